//! The login desk: takes LOGINs from the shards, asks the provider on the control runtime, and sends answers back.
//!
//! A shard never waits: a question is answered at once (a throttle, the provider `open`), queued, or refused with
//! OVERLOADED where the desk has too many. Whoever asked may be gone when its answer comes; the engine knows by the ConnId.

use std::sync::Arc;

use longwire_engine::{ConnId, LoginAnswer, Millis};
use longwire_wire::Status;
use tokio::sync::{Semaphore, mpsc};

use super::{Provider, Question};
use crate::throttle::{Origin, Throttle};

/// Questions that wait for the desk, of all shards: about 5 KiB each, a token included.
const QUESTIONS_MAX: usize = 4096;
/// Questions that the provider is asked at a time; it may have a lower bound of its own.
const UNDER_WAY_MAX: usize = 1024;

/// How an answer finds its shard.
pub(crate) type SendBack = Arc<dyn Fn(ConnId, LoginAnswer) + Send + Sync>;

struct Asked {
    question: Question,
    at: Millis,
    send_back: SendBack,
}

/// A shard's side of the desk.
#[derive(Clone)]
pub(crate) struct Window {
    provider: Arc<Provider>,
    throttle: Arc<Throttle>,
    questions: mpsc::Sender<Asked>,
}

/// The control runtime's side.
pub(crate) struct Desk {
    provider: Arc<Provider>,
    throttle: Arc<Throttle>,
    questions: mpsc::Receiver<Asked>,
}

/// A desk, and the window that shards clone.
pub(crate) fn open(provider: Arc<Provider>, throttle: Arc<Throttle>) -> (Window, Desk) {
    let (sender, questions) = mpsc::channel(QUESTIONS_MAX);
    let window =
        Window { provider: Arc::clone(&provider), throttle: Arc::clone(&throttle), questions: sender };
    (window, Desk { provider, throttle, questions })
}

impl Window {
    /// Asks; `Some`: answered already. Else the answer comes through `send_back`, exactly once.
    pub(crate) fn ask(&self, question: Question, now: Millis, send_back: &SendBack) -> Option<LoginAnswer> {
        let origin = Origin::from(question.address);
        if let Err(status) = self.throttle.may_log_in(origin, &question.user_id, now) {
            return Some(Err(status));
        }
        if let Some(answer) = self.provider.answer_now(&question.user_id) {
            return Some(answer.map(Into::into).map_err(super::Refusal::status));
        }
        let asked = Asked { question, at: now, send_back: Arc::clone(send_back) };
        self.questions.try_send(asked).err().map(|_| Err(Status::OVERLOADED))
    }

    pub(crate) fn throttle(&self) -> &Arc<Throttle> {
        &self.throttle
    }
}

impl Desk {
    /// Answers until the last window is closed.
    pub(crate) async fn run(mut self) {
        self.provider.start();
        let under_way = Arc::new(Semaphore::new(UNDER_WAY_MAX));
        while let Some(asked) = self.questions.recv().await {
            let Ok(permit) = Arc::clone(&under_way).acquire_owned().await else { return };
            let (provider, throttle) = (Arc::clone(&self.provider), Arc::clone(&self.throttle));
            tokio::spawn(async move {
                answer(&provider, &throttle, asked).await;
                drop(permit);
            });
        }
    }
}

async fn answer(provider: &Provider, throttle: &Throttle, asked: Asked) {
    let Asked { question, at, send_back } = asked;
    let answer = provider.answer(&question).await.map_err(|refusal| {
        tracing::debug!(user = &*question.user_id, reason = refusal.reason.name(), "login refused");
        refusal.status()
    });
    if answer.as_ref().is_err_and(|status| *status == Status::UNAUTHENTICATED) {
        throttle.failed(Origin::from(question.address), &question.user_id, at);
    }
    send_back(question.connection, answer.map(Into::into));
}
