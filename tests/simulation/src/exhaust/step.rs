//! Steps: the fair course, and every departure from it.

use crate::happening::Happening;
use crate::histories::places;
use crate::sim::Sim;
use engine::Decide;
use engine::memory::{Fault, Point};
use pipeline::environment::{Control, Input};
use pipeline::event::AlarmState;
use pipeline::names::RequestId;
use pipeline::time::Span;

/// How many of what comes may be overtaken at once.
const OVERTAKES_MAX: usize = 3;
const LATE: Span = Span::minutes(5);
/// How much later a permitted worker acts at most: Lambda ends it soon after.
const SLOW: Span = Span::seconds(40);

/// One step of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// What comes next happens.
    Next,
    /// Something that is due after this many others happens first.
    Overtakes(usize),
    /// The next thing does not happen: a message or an event is lost, a worker is killed.
    Lost,
    /// What comes next comes so much later.
    Late,
    /// What comes next comes twice, the second time so much later.
    Twice(Span),
    /// The process that takes in what comes next crashes before it has saved.
    CrashBeforeSave,
    /// It crashes after it has saved, and before it has sent anything.
    CrashAfterSave,
    /// A person does this.
    Person(Deed),
    /// The service of this number is updated outside Slipway.
    Outsider(usize),
    Alarm(AlarmState),
    /// There is no capacity for the next one-off task.
    NoRoom,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    RollBack,
    RollBackAndUndo,
    Cancel,
    Hold,
    Unhold,
}

const DEEDS: [Deed; 5] =
    [Deed::RollBack, Deed::RollBackAndUndo, Deed::Cancel, Deed::Hold, Deed::Unhold];

impl Step {
    /// What else may happen now.
    pub(super) fn departures<D: Decide>(sim: &Sim<D>, steps: &mut Vec<Self>) {
        let Some((_, next)) = sim.coming().next() else { return };
        steps.extend((1..=OVERTAKES_MAX).filter(|n| may_overtake(sim, *n)).map(Self::Overtakes));
        steps.extend(DEEDS.map(Self::Person));
        steps.extend((0..sim.cloud.services.len()).map(Self::Outsider));
        steps.extend([AlarmState::On, AlarmState::Quiet, AlarmState::NoData].map(Self::Alarm));
        if sim.cloud.refusals == 0 {
            steps.push(Self::NoRoom);
        }
        match next {
            // The world takes its own time, and people do as they like.
            Happening::Tick(_) | Happening::Person { .. } | Happening::Outsider(_) => {
                steps.push(Self::Late);
            }
            Happening::Act { .. } | Happening::Report { .. } => {
                steps.extend([Self::Lost, Self::Late]);
                if matches!(next, Happening::Report { .. }) {
                    steps.extend([Self::CrashBeforeSave, Self::CrashAfterSave]);
                }
            }
            _ => steps.extend([
                Self::Lost,
                Self::Late,
                Self::Twice(Span::seconds(1)),
                Self::Twice(LATE),
                Self::CrashBeforeSave,
                Self::CrashAfterSave,
            ]),
        }
    }

    /// Takes the step.
    pub(super) fn take_in<D: Decide>(self, sim: &mut Sim<D>) {
        match self {
            Self::Next => sim.live_next(0),
            Self::Overtakes(others) => sim.live_next(others),
            Self::Lost => sim.lose_next(),
            Self::Late => sim.delay_next(),
            Self::Twice(span) => {
                let copy = sim.coming().next().map(|(_, next)| next.clone());
                if let Some(copy) = copy {
                    sim.live_next(0);
                    sim.after(span, copy);
                }
            }
            Self::CrashBeforeSave => sim.crash_next(Point::BeforeSave),
            Self::CrashAfterSave => sim.crash_next(Point::AfterSave),
            Self::Person(deed) => {
                for place in places(&sim.systems) {
                    let input = deed.input(sim.happenings);
                    sim.live(sim.now, Happening::Person { place, input });
                }
            }
            Self::Outsider(nth) => {
                if let Some(address) = sim.cloud.services.keys().nth(nth).cloned() {
                    sim.live(sim.now, Happening::Outsider(address));
                }
            }
            Self::Alarm(state) => {
                sim.set_alarm("pair-errors", state);
                sim.happenings += 1;
            }
            Self::NoRoom => {
                sim.cloud.refusals += 1;
                sim.happenings += 1;
            }
        }
    }
}

/// Whether what comes after `others` others may happen first: no worker lives so long that it is
/// overtaken by what comes much later.
fn may_overtake<D>(sim: &Sim<D>, others: usize) -> bool {
    let Some((time, _)) = sim.coming().nth(others) else { return false };
    let mut overtaken = sim.coming().take(others);
    overtaken.all(|(at, happening)| match happening {
        Happening::Act { .. } | Happening::Report { .. } => time.since(at) <= SLOW,
        _ => true,
    })
}

impl Deed {
    fn input(self, number: usize) -> Input {
        let (by, why) = ("ada".to_owned(), "because".to_owned());
        let control = match self {
            Self::RollBack | Self::RollBackAndUndo => {
                let id = RequestId::new(format!("rollback {number}"));
                let undo = self == Self::RollBackAndUndo;
                return Input::RollbackRequested { id, by, why, to: None, undo };
            }
            Self::Cancel => Control::Cancel,
            Self::Hold => Control::Hold { firm: true },
            Self::Unhold => Control::Unhold,
        };
        Input::Controlled { by, why, control }
    }
}

impl<D: Decide> Sim<D> {
    fn live_next(&mut self, others: usize) {
        if let Some((time, happening)) = self.take(others) {
            self.live(time, happening);
        }
    }

    /// A killed worker leaves its message in the queue; everything else is gone.
    fn lose_next(&mut self) {
        let Some((time, happening)) = self.take(0) else { return };
        self.pass_to(time);
        match happening {
            Happening::Act { message, receives, .. }
            | Happening::Report { message, receives, .. } => self.redeliver(message, receives),
            // AWS has it in the repository, where a later search finds it.
            Happening::Push { .. } => self.after(Span::minutes(10), happening),
            Happening::Sweep => self.sweep_was_lost(),
            _ => {}
        }
    }

    fn delay_next(&mut self) {
        let Some((time, happening)) = self.take(0) else { return };
        self.pass_to(time);
        match happening {
            Happening::Sweep => self.sweep_was_lost(),
            Happening::Act { .. } | Happening::Report { .. } => self.after(SLOW, happening),
            _ => self.after(LATE, happening),
        }
    }

    fn crash_next(&mut self, at: Point) {
        let mut crashed = false;
        self.memory.set_faults(move |point| {
            if point == at && !crashed {
                crashed = true;
                return Fault::Crash;
            }
            Fault::None
        });
        self.live_next(0);
        self.memory.set_faults(|_| Fault::None);
    }
}
