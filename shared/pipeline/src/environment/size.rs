//! How large a head may become: DynamoDB allows 400 KB per item, and a head that cannot be written
//! would block its environment.

use super::head::{Head, drop_oldest};
use crate::effect::Effect;
use crate::outbox::Entry;
use crate::size::bytes;

/// A head is kept below this; the rest of the item is reserved for what one more turn may add.
const BYTES_MAX: usize = 300 * 1024;
/// How much of it the queue may take.
pub(super) const QUEUE_BYTES_MAX: usize = 60 * 1024;
/// How many of the last request outcomes, bad digests, failures and notices are always kept.
const LAST: usize = 20;
/// The maximum length of a name in a head, with the JSON around it.
const NAME_BYTES: usize = 700;

impl Head {
    /// Drops the least important data until the rest is small enough: an environment with very many
    /// services remembers fewer of its good releases.
    pub(super) fn fit(&mut self) {
        if self.names() * NAME_BYTES < BYTES_MAX {
            return;
        }
        while bytes(self) > BYTES_MAX && self.forget_one() {}
    }

    /// About how many names it contains.
    fn names(&self) -> usize {
        let good = self.good.iter().map(|good| good.release.images.len() + good.revisions.len());
        let promoted = self.outbox.entries().iter().filter_map(|entry| match &entry.effect {
            Effect::Promote { release, .. } => Some(release),
            _ => None,
        });
        let waiting = self.queue.iter().map(|waits| &waits.request.release);
        let releases = self.older_good.iter().chain(promoted).chain(waiting);
        let images = releases.map(|release| release.images.len());
        let images = images.chain(self.failed.iter().map(|failed| failed.images.len()));
        let kept = self.request_outcomes.len()
            + self.bad.len()
            + self.failed.len()
            + self.migrations.len();
        let others = kept + self.outbox.entries().len();
        good.chain(images).sum::<usize>() + 2 * others
    }

    /// Drops one thing; `false`: everything else is needed.
    fn forget_one(&mut self) -> bool {
        let is_notice = |entry: &&Entry| matches!(entry.effect, Effect::Announce(_));
        let notices = self.outbox.entries().iter().filter(is_notice).count();
        if !self.older_good.is_empty() {
            self.older_good.remove(0);
        } else if self.request_outcomes.len() > LAST {
            self.request_outcomes.remove(0);
        } else if self.bad.len() > LAST {
            self.forget_a_bad_digest();
        } else if self.failed.len() > LAST {
            self.failed.remove(0);
        } else if notices > LAST {
            self.outbox.forget_oldest_announcement();
        } else if self.good.len() > 1 {
            let most = self.good.len() - 1;
            drop_oldest(&mut self.good, most);
        } else {
            return false;
        }
        true
    }
}
