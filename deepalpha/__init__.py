"""DeepAlpha: an analyst's trading workstation over one Rust core."""
