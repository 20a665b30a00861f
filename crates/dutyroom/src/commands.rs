//! One file a command.

pub(crate) mod activate_rules;
pub(crate) mod backup;
pub(crate) mod check_config;
pub(crate) mod close;
pub(crate) mod doctor;
pub(crate) mod erase;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod invite;
pub(crate) mod join;
pub(crate) mod journal;
pub(crate) mod openapi;
pub(crate) mod record;
pub(crate) mod restore;
pub(crate) mod revoke;
pub(crate) mod serve;
pub(crate) mod user_add;
pub(crate) mod verify;
