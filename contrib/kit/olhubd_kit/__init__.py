"""The kit, shipped: simulators of marketplaces and shops, the conformance suite, the fault injector."""
