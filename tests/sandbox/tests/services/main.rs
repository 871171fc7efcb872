//! The simulated services, each alone: calls and minutes in, a text out.

mod cloudwatch;
mod ecr;
mod ecs_rollouts;
mod ecs_tasks;
mod ecs_troubles;
mod messages;
mod room;
mod run_command;
mod scr;
mod shapes;
mod sites;
