//! Stories: each day of the five systems as a timeline, and each trap as a day that walks into it.

mod stories {
    mod faceplate;
    mod omen_epr;
    mod power_pto;
    mod scr_production;
    mod scr_staging;
    mod telling;
    mod traps_breaker;
    mod traps_control;
    mod traps_events;
    mod traps_images;
    mod traps_knowing;
    mod traps_tasks;
    mod wwhd;
}
