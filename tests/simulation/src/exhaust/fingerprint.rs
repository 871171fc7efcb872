//! When two states are the same: when the same may follow, whatever happened before.
//!
//! Times count as seen from now, and what is only for people (timelines) does not count.

use crate::happening::Happening;
use crate::sim::Sim;
use engine::{Key, Permit, Record};
use pipeline::deployment::Timeline;
use pipeline::notice::News;
use std::collections::BTreeMap;
use std::fmt::{self, Debug, Write};
use std::hash::{DefaultHasher, Hasher};

/// How many digits a time has, in milliseconds, in these centuries.
const TIME_DIGITS: usize = 13;
const MINUTE: u64 = 60_000;

struct Print {
    hasher: DefaultHasher,
    now: u64,
}

impl Print {
    fn add(&mut self, part: &dyn Debug) {
        // Writing into a hash cannot fail.
        let _ = write!(self, "{part:?};");
    }
}

impl Write for Print {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() == TIME_DIGITS
            && let Ok(time) = text.parse::<u64>()
        {
            self.hasher.write_i64(time.cast_signed() - self.now.cast_signed());
        } else {
            self.hasher.write(text.as_bytes());
        }
        Ok(())
    }
}

pub(super) fn of<D>(sim: &Sim<D>) -> u64 {
    let mut print = Print { hasher: DefaultHasher::new(), now: sim.now.millis() };
    // The sweep comes with each full minute.
    print.hasher.write_u64(sim.now.millis() % MINUTE);
    let mut versions = BTreeMap::new();
    sim.memory.visit(|key, stored| {
        versions.insert(key.clone(), stored.version);
        print.add(&stored.due);
        match &stored.record {
            Record::Deployment(deployment) => {
                let mut deployment = deployment.clone();
                deployment.timeline = Timeline::default();
                print.add(&deployment);
            }
            record => print.add(record),
        }
    });
    for (time, happening) in sim.coming() {
        print.add(&time);
        print.happening(happening, &versions);
    }
    print.add(&sim.cloud);
    print.add(&sim.invariants);
    for notice in &sim.told {
        if let News::Ended { .. } = notice.news {
            print.add(&(&notice.place, notice.deployment));
        }
    }
    print.hasher.finish()
}

impl Print {
    fn happening(&mut self, happening: &Happening, versions: &BTreeMap<Key, u64>) {
        match happening {
            Happening::Act { message, permit, receives } => {
                self.add(&(message, is_current(permit.as_ref(), versions), receives));
            }
            Happening::Report { message, permit, event, receives } => {
                self.add(&(message, is_current(permit.as_ref(), versions), event, receives));
            }
            other => self.add(other),
        }
    }
}

/// What a permit was given on, if that is still what is stored: of an older one only that it is old
/// counts.
fn is_current(permit: Option<&Permit>, versions: &BTreeMap<Key, u64>) -> bool {
    let read = permit.map(Permit::read).unwrap_or_default();
    !read.is_empty() && read.iter().all(|(key, version)| versions.get(key) == Some(version))
}
