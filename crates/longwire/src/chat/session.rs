//! The connection as a chat uses it: orders go in and are carried out one after the other, outcomes come out.
//!
//! The chat never waits for an answer, because answers stand behind the events that it must read meanwhile.

use super::model::{Outcome, Todo};
use longwire_client::{Client, Outgoing};
use std::time::Duration;
use tokio::sync::mpsc;

/// Orders that wait while the server takes nothing.
pub(crate) const ORDERS_MAX: usize = 64;
/// How long leaving may take; the person is gone already.
const LOGOUT_MAX: Duration = Duration::from_secs(2);

/// One thing to do on the connection.
#[derive(Debug)]
pub(crate) enum Order {
    Send(Outgoing),
    Join(String),
    /// Wait until the server has seen everything before.
    Flush,
}

/// The chat's end of the two queues.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) orders: mpsc::Sender<Order>,
    pub(crate) outcomes: mpsc::Receiver<Outcome>,
}

impl Session {
    pub(crate) fn new(client: Client) -> Self {
        let (orders, taken) = mpsc::channel(ORDERS_MAX);
        let (told, outcomes) = mpsc::channel(ORDERS_MAX);
        tokio::spawn(carry_out(client.clone(), taken, told));
        Self { client, orders, outcomes }
    }

    /// Leaves, behind everything that was ordered.
    pub(crate) async fn leave(mut self) {
        drop(self.orders);
        let leaving = async {
            while self.outcomes.recv().await.is_some() {}
            // The answer would only say what the closed connection says.
            let _ = self.client.logout().await;
        };
        let _ = tokio::time::timeout(LOGOUT_MAX, leaving).await;
    }
}

/// The order that carries out `todo`, or what else it is.
pub(crate) fn order(todo: Todo) -> Result<Order, Todo> {
    match todo {
        Todo::Send(message) => Ok(Order::Send(message)),
        Todo::Join(room) => Ok(Order::Join(room)),
        other => Err(other),
    }
}

async fn carry_out(client: Client, mut orders: mpsc::Receiver<Order>, told: mpsc::Sender<Outcome>) {
    while let Some(order) = orders.recv().await {
        let outcome = match order {
            Order::Send(message) => {
                let result = client.send(message.clone()).await;
                Outcome::Sent(message, result)
            }
            Order::Join(room) => {
                let result = client.join(&room).await;
                Outcome::Joined(room, result)
            }
            Order::Flush => {
                // Where it fails the connection is gone, and the events say so.
                let _ = client.flush().await;
                Outcome::Flushed
            }
        };
        if told.send(outcome).await.is_err() {
            return;
        }
    }
}
