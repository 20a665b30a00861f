//! What the store promises, told in the words of the duty room.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod all {
    mod accounts;
    mod admit;
    mod blob_fetch;
    mod blob_room;
    mod blobs;
    mod closure;
    mod commit;
    mod crash;
    mod damage;
    mod erase;
    mod erase_aside;
    mod holes;
    mod incarnations;
    mod lists;
    mod opening;
    mod order;
    mod provisional;
    mod release;
    mod round;
    mod support;
    mod trust;
    mod verify;
    mod verify_files;
    mod versions;
    mod witness;
}
