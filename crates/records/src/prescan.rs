//! prescan
