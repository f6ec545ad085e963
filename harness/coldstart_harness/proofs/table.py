"""Every proof, in the order in which they run."""

from coldstart_harness.proofs import (
    cuda,
    drain,
    identity,
    latency,
    layers,
    ledger,
    lockdown,
    overload,
    readiness,
    repeat,
)
from coldstart_harness.proofs.proof import Proof

PROOFS: dict[str, Proof] = {
    module.PROOF.name: module.PROOF
    for module in (readiness, ledger, latency, drain, overload, lockdown, layers, repeat, identity, cuda)
}
