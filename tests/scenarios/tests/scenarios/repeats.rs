//! A day is the same each time, byte by byte, however slow or busy the machine is.

use sandbox::faults::{Calls, Fault, When};
use scenarios::{Day, Screen, Team, live};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// One of each system, with what waits longest or fails latest among them.
const DAYS: [(&str, &str); 5] = [
    ("faceplate", "hangs"),
    ("faceplate", "migration-fails"),
    ("omen-epr", "never-healthy"),
    ("scr", "alarm"),
    ("wwhd", "bad-image"),
];

/// Longer than the SDK waits for one answer of AWS.
const SLOW: Duration = Duration::from_secs(9);

async fn played(system: &str, day: &str, change: impl FnOnce(&Team)) -> String {
    let screen = Screen::keeping();
    let day = Day::named(day, system).unwrap();
    live::show_with(&screen, system, day, change).await.unwrap();
    screen.into_text()
}

/// Keeps every processor busy until it is dropped.
struct Load(Arc<AtomicBool>);

impl Load {
    fn begin() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let processors = thread::available_parallelism().map_or(2, usize::from);
        for _ in 0..2 * processors {
            let over = Arc::clone(&over);
            thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Self(over)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_day_under_load_is_the_same_byte_by_byte() {
    for (system, day) in DAYS {
        let calm = played(system, day, |_| {}).await;
        let _load = Load::begin();
        assert_eq!(calm, played(system, day, |_| {}).await, "{system} {day}");
    }
}

#[tokio::test]
async fn a_command_that_is_answered_late_on_the_wall_is_sent_once() {
    let calm = played("faceplate", "hangs", |_| {}).await;
    let slow = played("faceplate", "hangs", |team| {
        let operation = Some("SendCommand".to_owned());
        let calls = Calls { operation, ..Calls::default() };
        // The second command is the rollout; the first one queried the host.
        team.sandbox.faults(|faults| faults.on_calls(calls, When::Nth(2), Fault::Slow(SLOW)));
    });
    assert_eq!(calm, slow.await);
}
