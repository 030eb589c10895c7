//! The login desk: takes LOGINs from the shards, asks the provider on the control runtime, and sends answers back.
//!
//! A shard never waits: a question is answered at once (a throttle, the provider `open`), queued, or refused with
//! OVERLOADED where the desk has too many. Whoever asked may be gone when its answer comes; the engine knows by the ConnId.
//! A question whose connection has gone is judged all the same: a guess counts, whether its answer is waited for or not.

use std::sync::Arc;
use std::time::Instant;

use longwire_engine::{ConnId, LoginAnswer, Millis};
use longwire_wire::Status;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::turns::{Next, Turns};
use super::{Answer, Provider, Question};
use crate::throttle::{Origin, Throttle};

/// Questions that wait for the desk, of all shards: about 5 KiB each, a token included.
const QUESTIONS_MAX: usize = 4096;
/// Questions that the provider is asked at a time, beside those that had to wait their turn; it may have a lower bound
/// of its own.
const UNDER_WAY_MAX: usize = 1024;

/// How an answer finds its shard.
pub(crate) type SendBack = Arc<dyn Fn(ConnId, LoginAnswer) + Send + Sync>;

/// A question on its way.
pub(super) struct Asked {
    pub(super) question: Question,
    pub(super) at: Millis,
    pub(super) send_back: SendBack,
}

impl Asked {
    /// Where it comes from.
    pub(super) fn origin(&self) -> Origin {
        Origin::from(self.question.address)
    }

    fn answer(&self, answer: LoginAnswer) {
        (self.send_back)(self.question.connection, answer);
    }
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
        if let Some(answer) = self.provider.answer_now(&question) {
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
        let (mut turns, mut under_way) = (Turns::default(), JoinSet::new());
        loop {
            let next = tokio::select! {
                biased; // a LOGIN that is judged may be why the next one is refused
                Some(Ok((asked, answer))) = under_way.join_next() => self.judged(&asked, answer, &mut turns),
                asked = self.questions.recv(), if under_way.len() < UNDER_WAY_MAX => match asked {
                    Some(asked) => turns.arrived(asked, &self.throttle, Instant::now()),
                    None => return,
                },
            };
            for next in next {
                match next {
                    Next::Refuse(asked, status) => asked.answer(Err(status)),
                    Next::Ask(asked) => {
                        let provider = Arc::clone(&self.provider);
                        under_way.spawn(async move {
                            let answer = provider.answer(&asked.question).await;
                            (asked, answer)
                        });
                    }
                }
            }
        }
    }

    /// Counts a failure, and then sends the answer: whoever has it finds it counted.
    fn judged(&self, asked: &Asked, answer: Answer, turns: &mut Turns) -> Vec<Next> {
        let answer = answer.map_err(super::Refusal::status);
        let (from, user) = (asked.origin(), &*asked.question.user_id);
        if answer.as_ref().is_err_and(|status| *status == Status::UNAUTHENTICATED) {
            self.throttle.failed(from, user, asked.at);
        }
        let next = turns.judged(from, user, &self.throttle, Instant::now());
        asked.answer(answer.map(Into::into));
        next
    }
}
