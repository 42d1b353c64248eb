"""Break a fleet on purpose, one fault after the other, and measure what its visitors notice."""
