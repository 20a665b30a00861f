//! Scenarios over the whole program, in one binary.

mod all {
    pub(crate) mod cameras;
    pub(crate) mod copies;
    pub(crate) mod doctor;
    pub(crate) mod durability;
    pub(crate) mod fast_lane;
    pub(crate) mod interop;
    pub(crate) mod links;
    pub(crate) mod logs;
    pub(crate) mod refusals;
    pub(crate) mod restoring;
    pub(crate) mod verification;
    pub(crate) mod workspace;
    pub(crate) mod world;
}
