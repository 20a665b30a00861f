//! What the store promises, told in the words of the duty room.

mod all {
    mod accounts;
    mod admit;
    mod commit;
    mod crash;
    mod lists;
    mod opening;
    mod order;
    mod support;
    mod trust;
    mod verify;
}
