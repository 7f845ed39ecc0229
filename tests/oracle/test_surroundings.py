"""The names around the core that programs touch: what they import, what they ask without a GPU, and what they get."""

import importlib
import inspect
import types
import warnings

import pytest
import torch

import facula

# Lines as programs have them; {t} is the package.
IMPORTS = """
import {t}.backends.cudnn as cudnn
import {t}.backends.cuda, {t}.backends.mps, {t}.backends.mkldnn, {t}.backends.mkl, {t}.backends.openmp
import {t}.autograd.profiler as profiler
import {t}.distributed as dist
import {t}.jit, {t}.onnx, {t}.hub, {t}.version, {t}.types, {t}.storage, {t}.serialization, {t}.random, {t}.functional
import {t}.linalg, {t}.special, {t}.fft, {t}.return_types, {t}.profiler, {t}.compiler
import {t}.multiprocessing as mp
import {t}.mps, {t}.xpu, {t}.mtia, {t}.accelerator, {t}.cuda.nvtx, {t}.cuda.memory, {t}.cuda.amp
import {t}.nn.parallel, {t}.utils.model_zoo, {t}.utils.benchmark
from {t} import Tensor, autograd, cuda, distributions, jit, multiprocessing, nn, optim
from {t}.autograd import Function, Variable, gradcheck, profiler
from {t}.autograd.variable import Variable
from {t}.backends.cuda import sdp_kernel
from {t}.compiler import allow_in_graph, disable
from {t}.cuda import OutOfMemoryError, amp
from {t}.distributed import destroy_process_group, get_rank, init_process_group
from {t}.functional import einsum, norm
from {t}.hub import load_state_dict_from_url
from {t}.jit import Final, ScriptModule, annotate, script, trace
from {t}.multiprocessing import Pool, Process, Queue, get_context, set_start_method, spawn
from {t}.nn import DataParallel
from {t}.nn.attention import SDPBackend, sdpa_kernel
from {t}.nn.modules.utils import _ntuple, _pair, _quadruple, _reverse_repeat_tuple, _single, _triple
from {t}.nn.modules.transformer import TransformerEncoderLayer, _get_clones
from {t}.nn.parallel import DataParallel, DistributedDataParallel
from {t}.profiler import ProfilerActivity, profile, record_function, schedule, tensorboard_trace_handler
from {t}.random import fork_rng
from {t}.serialization import load, save
from {t}.storage import TypedStorage, UntypedStorage
from {t}.types import Device, Number, _device, _dtype, _size
from {t}.utils import benchmark, checkpoint, data, dlpack, hooks, model_zoo
from {t}.utils._pytree import tree_flatten, tree_map, tree_unflatten
from {t}.utils.benchmark import Compare, Measurement, Timer
from {t}.utils.model_zoo import load_url
from {t}.version import __version__, cuda
""".strip().splitlines()

# Namespaces whose questions are compared: every function without required arguments, every plain value.
QUESTIONS = (
    "cuda mps xpu mtia accelerator backends.cuda backends.cudnn backends.mps backends.cusparselt backends.kleidiai "
    "distributed compiler jit"
).split()
# {function: why its answer is another}, or it has side effects.
OTHER_ANSWERS = {
    "distributed.is_available": "one process",
    "distributed.is_gloo_available": "one process",
    "distributed.init_process_group": "one process",
    "distributed.destroy_process_group": "one process: AssertionError there",
    "distributed.get_rank": "",
    "mps.manual_seed": "",
    "compiler.list_backends": "there is no compiler",
    "cuda.current_device": "",
    # CPU builds of torch fail at a missing binding where builds with CUDA answer.
    **dict.fromkeys((f"cuda.{name}" for name in dir(facula.cuda) if name.startswith("reset_")), "missing binding"),
    **dict.fromkeys(
        (f"cuda.{name}" for name in "memory_summary memory_snapshot device_memory_used temperature power_draw "
         "clock_rate utilization memory_usage "
         "list_gpu_processes is_current_stream_capturing graph_pool_handle".split()),
        "missing binding",
    ),
    "backends.mps.is_macos13_or_newer": "",
}  # fmt: skip


@pytest.mark.parametrize("line", IMPORTS)
def test_import(line):
    exec(line.format(t="torch"), {})
    exec(line.format(t="facula"), {})


def questions():
    for namespace in QUESTIONS:
        theirs, ours = (importlib.import_module(f"{package}.{namespace}") for package in ("torch", "facula"))
        for name in sorted(set(dir(theirs)) & set(dir(ours))):
            value = getattr(theirs, name)
            if name.startswith("_") or inspect.isclass(value) or isinstance(value, types.ModuleType):
                continue
            if callable(value):
                try:
                    parameters = inspect.signature(value).parameters.values()
                except (TypeError, ValueError):
                    continue
                if any(p.default is p.empty and p.kind < p.VAR_POSITIONAL for p in parameters):
                    continue
            yield f"{namespace}.{name}"


def answer(package, path):
    """The kind of exception, or the value."""
    value = package
    for part in path.split("."):
        value = getattr(value, part)
    if not callable(value):
        return value if isinstance(value, (bool, int, str, tuple, type(None))) else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = value()
        except Exception as error:
            return type(error)
    plain = isinstance(result, (bool, int, str, list, dict, tuple, type(None)))
    return result if plain else None


@pytest.mark.parametrize("path", list(questions()))
def test_question(path):
    ours, theirs = answer(facula, path), answer(torch, path)
    if OTHER_ANSWERS.get(path) is None:
        assert ours == theirs


def test_questions_are_found():
    assert len(list(questions())) > 90


@pytest.mark.parametrize(
    "text",
    [
        "t.cuda.get_device_name(0)",
        "t.cuda.set_device('cpu')",
        "t.cuda.FloatTensor(2)",
        "t.cuda.Stream()",
        "t.cuda.Event(enable_timing=True)",
        "t.cuda.device(0).__enter__()",
        "t.cuda.nvtx.range_push('a')",
        "t.distributed.all_reduce(t.ones(1))",
        "t.nn.parallel.DistributedDataParallel(t.nn.Linear(1, 1))",
        "t.backends.cuda.matmul.foo",
        "t.backends.cuda.cufft_plan_cache.max_size",
        "t.compile(3)",
        "t.compile(t.nn.Linear(1, 1), mode='foo')",
        "t.compile(t.nn.Linear(1, 1), mode='default', options={'a': 1})",
        "t.hub.load('/nonexistent', 'model', source='local')",
        "t.hub.load('/nonexistent', 'model', source='web')",
        "t.set_default_tensor_type('torch.cuda.FloatTensor')",
        "t.jit.load('/nonexistent')",
        "t._assert(False, 'no')",
        "t.profiler.schedule(wait=-1, warmup=0, active=1)",
    ],
)
def test_refusal(text):
    kinds = []
    for package in (torch, facula):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(Exception) as caught:
                eval(text, {"t": package})
            kinds.append(caught.type.__name__)
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize("package", [torch, facula], ids=["torch", "facula"])
def test_version_compares(package):
    version = package.__version__
    assert isinstance(version, str) and version >= "1.10" and version >= (2, 9) and version < "3" and "2.12" < version
    assert [int(part) for part in version.split(".")[:2]] == [2, 13]


def test_schedule_is_the_same():
    for arguments in (
        {"wait": 1, "warmup": 1, "active": 2},
        {"wait": 0, "warmup": 2, "active": 1, "repeat": 2, "skip_first": 3},
    ):
        plans = [package.profiler.schedule(**arguments) for package in (torch, facula)]
        for step in range(20):
            assert plans[0](step).name == plans[1](step).name


def test_wrappers_keep_torch_names():
    for package in (torch, facula):
        model = package.nn.Linear(2, 1)
        parallel = package.nn.DataParallel(model)
        compiled = package.compile(model, backend="eager")
        assert list(parallel.state_dict()) == ["module.weight", "module.bias"]
        assert list(compiled.state_dict()) == ["_orig_mod.weight", "_orig_mod.bias"]
        assert compiled.in_features == 2 and compiled._orig_mod is model and parallel.module is model


def test_compile_says_once_that_it_does_not():
    facula.compiler._said = False
    with pytest.warns(UserWarning, match="no compiler"):
        f = facula.compile(lambda x: x + 1)
    assert facula.compile(f)(1) == 2  # silent now


def test_matmul_precision_and_tf32_are_one_setting():
    facula.set_float32_matmul_precision("high")
    assert facula.backends.cuda.matmul.allow_tf32
    facula.backends.cuda.matmul.allow_tf32 = False
    assert facula.get_float32_matmul_precision() == "highest"
