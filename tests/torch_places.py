"""Where gumbel_fast.torch works and where it does not: the rows of the table in docs/torch.rst, each with its proof.

A proof is a test. test_torch_places.py holds the table to these rows and the rows to tests that are there. Run as a
program, this file prints the table as docs/torch.rst has it.
"""

from typing import NamedTuple

WORKS = "works"


class Place(NamedTuple):
    """A row: what the table says of where and of what happens there, and the test that shows it, as file::name."""

    where: str
    what: str
    proof: str


PLACES = [
    Place(
        "``torch.compile``, with ``fullgraph=True``, forward and backward",
        WORKS,
        "test_torch_compile.py::test_compiled_in_one_graph",
    ),
    Place("the same by inductor", WORKS, "test_torch_compile.py::test_inductor"),
    Place("the same of dynamic shapes", WORKS, "test_torch_compile.py::test_dynamic_shapes"),
    Place(
        "``torch.export``, saved, loaded and run",
        "works, and draws anew on each run",
        "test_torch_compile.py::test_export_save_load_and_run",
    ),
    Place(
        "``torch.jit.trace``",
        "works, and draws anew on each run",
        "test_torch_compile.py::test_traced_calls_draw_anew",
    ),
    Place(
        "``torch.jit.script``",
        "an error that names gumbel_fast",
        "test_torch_compile.py::test_scripting_is_refused_by_name",
    ),
    Place(
        "``torch.fx.experimental.proxy_tensor.make_fx``",
        "works, and draws anew on each run",
        "test_torch_compile.py::test_make_fx",
    ),
    Place(
        "``torch.func``: ``grad``, ``vjp``, ``jvp``, ``jacrev``, ``jacfwd``, ``hessian``",
        WORKS,
        "test_torch_transforms.py::test_derivatives",
    ),
    Place(
        "second derivatives: ``create_graph=True``, ``gradgradcheck``",
        WORKS,
        "test_torch_transforms.py::test_double_backward",
    ),
    Place(
        "forward-mode differentiation: ``torch.autograd.forward_ad``",
        WORKS,
        "test_torch_transforms.py::test_forward_mode",
    ),
    Place(
        '``torch.vmap`` with ``randomness="same"``',
        "works: one noise for all examples",
        "test_torch_transforms.py::test_vmap_same_and_different",
    ),
    Place(
        '``torch.vmap`` with ``randomness="different"``',
        "works: independent draws for each example",
        "test_torch_transforms.py::test_draws_of_examples_follow_softmax_and_are_independent",
    ),
    Place(
        "``torch.vmap`` with neither",
        "torch's error, as of its own random functions",
        "test_torch_transforms.py::test_vmap_refuses_randomness_unless_told",
    ),
    Place("fake tensors: ``FakeTensorMode``", WORKS, "test_torch_transforms.py::test_fake_tensors"),
    Place("tensors on the meta device", "works: shapes and dtypes", "test_torch_transforms.py::test_meta_tensors"),
    Place(
        "a default device",
        "works: results are where the logits are",
        "test_torch_transforms.py::test_a_default_device_makes_no_difference",
    ),
    Place("``torch.utils.checkpoint``, reentrant or not", WORKS, "test_torch_compile.py::test_checkpoint"),
    Place(
        "the same with a ``generator`` of one's own",
        "a warning: what is computed again draws anew",
        "test_torch_compile.py::test_a_generator_of_ones_own_in_a_checkpoint_warns",
    ),
    Place(
        "``torch.compile`` with a ``generator`` of one's own",
        "works, outside the graph; an error with ``fullgraph=True``",
        "test_torch_compile.py::test_a_generator_of_ones_own_breaks_the_graph",
    ),
    Place("``torch.autocast``, ``GradScaler``", WORKS, "test_torch_compile.py::test_autocast"),
    Place(
        "``DataLoader`` with workers, by fork or spawn",
        "works: each worker draws its own",
        "test_torch_compile.py::test_workers_of_a_data_loader",
    ),
    Place(
        "``DistributedDataParallel`` with gloo",
        WORKS,
        "test_torch_compile.py::test_two_processes_average_their_gradients",
    ),
    Place("several threads", WORKS, "test_torch_categorical.py::test_calls_from_several_threads"),
    Place(
        "tensor subclasses, ``__torch_function__``",
        "works, as in torch's function",
        "test_torch_compile.py::test_tensor_subclasses",
    ),
    Place(
        "``TorchDispatchMode``",
        "works: they see the operators",
        "test_torch_compile.py::test_dispatch_modes_see_the_operators",
    ),
    Place(
        "``torch.get_rng_state``, ``fork_rng``",
        WORKS,
        "test_torch_compile.py::test_state_of_torchs_generator_can_be_kept",
    ),
]


def table():
    """The rows as reStructuredText."""
    lines = [".. list-table:: Where it works", "   :header-rows: 1", "", "   * - Where", "     - What happens"]
    for place in PLACES:
        lines += [f"   * - {place.where}", f"     - {place.what}"]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
