//! Bundles that wait for a predecessor or a dependency.
