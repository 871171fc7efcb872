//! Tests of people at the console: requests and answers.

mod auditing;
mod changing;
mod choosing;
mod configuring;
mod controlling;
mod deploying;
mod desk;
mod knowing;
mod looking;
mod marking;
mod mistaking;
mod overrides;
mod owning;
mod permitted;
mod removing;
mod rolling_back;
mod rolling_back_in_progress;
mod truncated;
mod unreadable;
mod watching;
