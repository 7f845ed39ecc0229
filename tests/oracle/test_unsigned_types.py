"""uint16, uint32 and uint64 against live torch: what it has for them, how it converts, and what it refuses. What facula
has beyond torch (isin, trace, rot90, ...) is not compared."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
import torch
from compare import short

import facula

UNSIGNED = ("uint16", "uint32", "uint64")
OTHERS = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128".split()
PAIRS = [(a, b) for a in (*OTHERS, *UNSIGNED) for b in (*OTHERS, *UNSIGNED) if a in UNSIGNED or b in UNSIGNED]

# In each: u the dtype, mx its largest number, x and y vectors with extreme numbers, m a matrix, b a mask.
EXPRESSIONS = """
x*y ; x&y ; x|y ; x^y ; ~x ; x==y ; x!=y ; x==mx ; x==-1 ; x==mx+1 ; x==3.0 ; x*2 ; x*-1 ; x*mx ; x&1 ; x&-1
x*2.5 ; x/y ; x/0 ; x+y ; x-y ; x//y ; x%y ; x<<1 ; x>>1 ; x<y ; -x ; abs(x) ; x**2 ; x.sum() ; x.sum(0)
x.sum(dtype=u) ; m.sum(0) ; x.sum(dtype=torch.float32) ; x.prod() ; x.prod(dtype=u) ; x.cumsum(0) ; x.cumprod(0)
x.mean() ; x.mean(dtype=torch.float32) ; x.max() ; x.min() ; x.amax() ; x.argmax() ; x.any() ; x.all()
m.any(0) ; m.all(1) ; x.sort() ; x.sort(descending=True) ; x.argsort() ; torch.msort(x) ; x.unique()
x.unique(return_inverse=True,return_counts=True) ; torch.unique_consecutive(x) ; m.unique(dim=0)
torch.equal(x,y) ; torch.equal(x,x.clone()) ; torch.allclose(x,x) ; torch.isclose(x,x) ; torch.where(b,x,y)
torch.where(b,x,0) ; torch.where(b,x,torch.tensor(0)) ; torch.where(b,x,1.5) ; x.masked_fill(b,1) ; x[b]
x[torch.tensor([0,1])] ; x[1:3] ; x[0] ; m[:,1] ; m[torch.tensor([1,0])] ; m[[1,0],[2,0]] ; m.t() ; m.flip(0)
m.roll(1) ; m.repeat(2,1) ; m.gather(0,torch.zeros(1,3,dtype=torch.int64)) ; m.index_select(0,torch.tensor([1]))
m.take(torch.tensor([1])) ; torch.take_along_dim(m,torch.zeros(1,3,dtype=torch.int64),0) ; x.nonzero()
x.count_nonzero() ; torch.floor(x) ; torch.ceil(x) ; torch.round(x) ; torch.trunc(x) ; torch.frac(x)
torch.isnan(x) ; torch.isfinite(x) ; torch.isinf(x) ; torch.isreal(x) ; torch.signbit(x) ; torch.positive(x)
torch.nan_to_num(x) ; torch.real(x) ; torch.conj(x) ; torch.sqrt(x) ; torch.exp(x) ; torch.sigmoid(x)
torch.sin(x) ; torch.logit(x) ; torch.angle(x) ; torch.hypot(x,y) ; torch.atan2(x,y) ; torch.copysign(x,y)
torch.xlogy(x,y) ; torch.float_power(x,2) ; torch.ldexp(x,y) ; torch.nextafter(x,y) ; torch.logaddexp(x,y)
torch.true_divide(x,y) ; torch.div(x,y,rounding_mode='floor') ; torch.div(x,y,rounding_mode='trunc')
torch.outer(x,y) ; torch.kron(x,y) ; torch.dot(x,y) ; m@m.t() ; torch.mm(m,m.t())
torch.bmm(m[None],m.t()[None]) ; torch.einsum('i,i',x,y) ; torch.einsum('i,j->ij',x,y) ; torch.searchsorted(x,y)
torch.bucketize(x,y) ; torch.histc(x.float()) ; torch.bincount(x) ; torch.topk(x,2) ; x.kthvalue(2) ; x.median()
x.mode() ; x.cummax(0) ; x.cummin(0) ; torch.diff(x) ; torch.clamp(x,1,3) ; torch.maximum(x,y)
torch.minimum(x,y) ; torch.logical_and(x,y) ; torch.logical_not(x) ; torch.lerp(x,y,0.5) ; torch.addcmul(x,x,y)
torch.nansum(x) ; torch.logsumexp(x,0) ; torch.var(x) ; torch.std(x) ; torch.norm(x) ; torch.softmax(x,0)
torch.softmax(x,0,dtype=torch.float32) ; torch.cov(x) ; torch.tril(m) ; torch.triu(m) ; torch.diag(x)
torch.diag_embed(x) ; torch.eye(2,dtype=u) ; torch.block_diag(m,m) ; torch.cartesian_prod(x,y)
torch.meshgrid(x,y) ; torch.stack([x,y]) ; torch.hstack([x,y]) ; torch.nn.functional.pad(x,(1,1))
torch.nn.functional.pad(x,(1,1),value=7) ; torch.nn.functional.one_hot(x) ; torch.repeat_interleave(x,2)
torch.scatter(x,0,torch.tensor([0]),y) ; x.scatter_add(0,torch.tensor([0]),y)
x.index_add(0,torch.tensor([0]),y[:1]) ; x.index_fill(0,torch.tensor([0]),1)
x.index_copy(0,torch.tensor([0]),y[:1]) ; x.index_put((torch.tensor([0]),),y[:1]) ; x.masked_scatter(b,y)
x.put(torch.tensor([0]),y[:1]) ; torch.count_nonzero(x) ; torch.sum(x.view(2,2),1,keepdim=True)
torch.hash_tensor(x) ; torch.linalg.vander(x) ; torch.special.entr(x) ; x.bernoulli_() ; x.random_()
x.random_(0,5) ; x.clone().uniform_() ; x.normal_() ; x.exponential_() ; x.geometric_(0.5) ; x.logical_and_(y)
x.to(torch.bool) ; x.mul_(2) ; x.mul_(2.5) ; x.bitwise_and_(1) ; x.fill_(3) ; x.zero_()
x.copy_(torch.tensor([1.,2,3,4])) ; x.eq_(y) ; x.div_(2) ; x.sqrt_() ; torch.add(torch.ones(4),1,out=x)
torch.mul(x,y,out=torch.empty(0,dtype=torch.float32)) ; torch.mul(x,y,out=torch.empty(0,dtype=torch.int64))
torch.ones(4,dtype=torch.int64).add_(x) ; torch.ones(4).add_(x) ; torch.ones(4,dtype=torch.int64).mul_(x)
torch.cat([x,y]) ; torch.cat([x,torch.ones(2)]) ; torch.ones(4,dtype=torch.int64)==x ; torch.tensor(3)==x
x==torch.tensor(3) ; torch.tensor(3)*x ; x*torch.tensor(3,dtype=u) ; x*torch.tensor(True) ; x+torch.tensor(1.5)
x+torch.ones(4) ; x+torch.ones(4,dtype=torch.float16) ; x<torch.ones(4) ; x.half() ; x.cfloat() ; x+1j
torch.polar(x,y) ; torch.complex(x,y) ; torch.view_as_complex(m) ; x.bool() ; x.type_as(y)
torch.bitwise_not(x) ; torch.bitwise_left_shift(x,y) ; torch.nn.functional.embedding(x,torch.ones(4,2))
torch.nn.functional.cross_entropy(torch.ones(4,3),x) ; torch.nn.functional.relu(x) ; torch.gcd(x,y)
torch.heaviside(x,y) ; torch.fmod(x,y) ; torch.sgn(x) ; torch.sign(x) ; torch.neg(x) ; torch.square(x)
torch.reciprocal(x) ; torch.rsqrt(x) ; torch.erf(x) ; torch.lgamma(x) ; torch.i0(x) ; torch.polygamma(1,x)
torch.deg2rad(x) ; torch.sinc(x) ; torch.fft.fft(x) ; torch.corrcoef(m) ; torch.quantile(x,0.5)
torch.aminmax(x) ; torch.std_mean(x) ; torch.renorm(m,2,0,1) ; torch.cdist(m,m) ; torch.tensordot(m,m.t(),1)
torch.inner(x,y) ; torch.vdot(x,y) ; torch.cumulative_trapezoid(x) ; torch.trapz(x) ; torch.swapaxes(m,0,1)
torch.unfold_copy(x,0,2,1) ; x.unfold(0,2,1) ; torch.isposinf(x) ; torch.empty_like(x).shape
torch.randint_like(x,5) ; torch.rand_like(x) ; torch.full_like(x,3) ; torch.zeros_like(x)
torch.multinomial(x,1) ; torch.poisson(x) ; torch.allclose(x,y) ; torch.frexp(x) ; x.numpy() ; x.tolist()
x.is_nonzero() ; x[0].item() ; x[1].item() ; x.__contains__(3) ; 3 in x ; len(x) ; list(x)[0] ; str(x)
f'{x[1]}' ; torch.manual_seed(0) and x.random_(7) ; torch.utils.data.default_collate([x,y])
torch.as_strided(x,(2,),(1,)) ; torch.frombuffer(bytearray(b'12345678'),dtype=u) ; torch.equal(x,x.long())
x.data ; x.element_size() ; x.nbytes ; x.dtype ; torch.asarray(x.numpy()) ; torch.tensor(x.numpy())
torch.tensor([1,x[0]]) ; torch.tensor(x[1],dtype=torch.float64) ; x.new_tensor([1,2])
torch.can_cast(u,torch.bool) ; torch.result_type(x,2.0) ; torch.promote_types(u,torch.float16) ; x.expand(2,4)
torch.testing.assert_close(x,x) ; torch.testing.assert_close(x,y) ; x.sum_to_size(1) ; x.sum_to_size(4)
m.sum_to_size(2,1) ; x.clone().cumsum_(0) ; x.cumsum(0,dtype=u) ; x.cumsum(0,dtype=torch.int32)
torch.nn.functional.pad(m[None],(1,1),mode='circular') ; torch.eq(x,x,out=torch.empty(0,dtype=u))
torch.ones(3,dtype=torch.int64).mul_(torch.tensor(3,dtype=u)) ; torch.where(x,x,x)
torch.ne(torch.ones(3),1,out=torch.empty(0,dtype=u)) ; torch.ceil(x,out=torch.empty(0,dtype=u)) ; x.ceil_()
torch.allclose(x,x.float()) ; torch.equal(x,x.float()) ; torch.cat([x,x],out=torch.empty(0,dtype=torch.float32))
torch.cat([x,x],out=torch.empty(0,dtype=torch.int64)) ; torch.stack([x,x.float()]) ; x.__setitem__(b,1)
[x.__setitem__(0,-1),x] ; [x.__setitem__(0,2.7),x] ; [x.__setitem__(slice(0,2),torch.tensor([1,2])),x]
[x.__setitem__(slice(0,2),torch.tensor([1.5,2])),x] ; x.masked_fill_(b,3) ; x.mul_(torch.tensor([1,2,3,4]))
x.mul_(x) ; x.mul_(x.float()) ; x*2**16 ; x*True ; x*2**64 ; x&True ; x|2**40 ; torch.ones(4)[x[:1]]
torch.ones(4)[x[0]] ; torch.ones(4).index_select(0,x) ; torch.full((2,),mx,dtype=u)
torch.full((2,),-1,dtype=u) ; torch.full((2,),2.5,dtype=u) ; torch.full((2,),2**63)
torch.full((),mx,dtype=torch.float32) ; torch.full((2,),mx+1,dtype=u) ; torch.arange(3,dtype=u)
torch.linspace(0,3,4,dtype=u) ; torch.randint(0,10,(5,),dtype=u) ; torch.randint(0,mx,(2,),dtype=u)
torch.randint(-3,3,(2,),dtype=u) ; torch.randperm(3,dtype=u) ; torch.rand(2,dtype=u)
torch.scalar_tensor(mx,dtype=u) ; torch.tensor([mx],dtype=u) ; torch.tensor([mx]) ; torch.tensor(mx)
torch.tensor([2**63]) ; torch.tensor([2**64],dtype=u) ; torch.tensor([-1],dtype=u) ; torch.tensor([1.5],dtype=u)
torch.tensor([-1.0],dtype=u) ; torch.tensor([1e30],dtype=u) ; torch.tensor([True,2],dtype=u)
torch.tensor([1+0j],dtype=u) ; torch.tensor([1.5,mx]) ; torch.tensor([mx],dtype=torch.float32)
torch.tensor([1])+(2**64-1) ; torch.tensor([1.])+(2**64-1) ; torch.tensor([1])*2**64
torch.tensor([1])<(2**64-1) ; torch.empty(2,dtype=torch.int64).fill_(2**63) ; torch.empty(2).fill_(2**63)
torch.iinfo(u).max ; torch.iinfo(u).min ; torch.iinfo(u).bits ; u.is_signed ; x.is_signed() ; u.to_real()
u.to_complex() ; x.type() ; x.type('torch.UInt16Tensor') ; torch.UInt16Tensor ; x.untyped_storage().nbytes()
x.storage().tolist() ; torch.set_default_dtype(u) ; x[:1].item() ; bool(x[:1]) ; float(x[1]) ; complex(x[1])
x[0].__index__() ; [1,2,3,4][x[0]] ; x.requires_grad_() ; torch.from_dlpack(x)
torch.utils.dlpack.from_dlpack(torch.utils.dlpack.to_dlpack(x)) ; x.view(torch.uint8) ; x.view(torch.int16)
x.view(torch.float32) ; torch.ones(4).view(u) ; x.new_tensor([3]) ; x.new_full((2,),mx) ; x.new_ones(2)
x.new_empty(3).shape ; x.long() ; x.result_type(1) if 0 else torch.result_type(x,1)
torch.result_type(x,torch.tensor(1)) ; torch.result_type(x,torch.tensor([1]))
torch.result_type(x[0],torch.tensor([1])) ; torch.result_type(x[0],torch.tensor(1)) ; x[0]+torch.tensor([1])
torch.promote_types(u,torch.uint8) ; torch.promote_types(u,torch.complex64) ; torch.promote_types(torch.bool,u)
torch.promote_types(u,u) ; torch.promote_types(torch.bfloat16,u) ; torch.can_cast(torch.int64,u)
torch.can_cast(u,torch.int8) ; torch.can_cast(torch.float32,u) ; __import__('copy').deepcopy(x)
__import__('pickle').loads(__import__('pickle').dumps(u)) ; torch.nn.Parameter(x,requires_grad=False)
x.bernoulli(0.5) ; torch.bernoulli(x) ; x.to('cpu',u) ; x.to(u) is x ; x.contiguous() is x ; x.detach() ; x.T
m.T ; m.mT ; m.contiguous(memory_format=torch.contiguous_format) ; x.is_floating_point() ; torch.is_tensor(x)
torch.numel(x) ; torch.is_nonzero(x[:1]) ; x.unsqueeze(0).expand(2,4).contiguous() ; x.reshape(2,2)
m.transpose(0,1).reshape(-1) ; x.resize_(2) ; x.set_(x.untyped_storage(),0,(2,))
torch.broadcast_tensors(x,m[:,:1]) ; torch.split(x,2) ; torch.chunk(x,2) ; torch.unbind(x)
torch.narrow(x,0,1,2) ; torch.squeeze(x[None]) ; x.movedim(0,0) ; torch.atleast_2d(x) ; x.apply_(lambda v:v)
x.map_(y,lambda a,c:a) ; torch.func.vmap(lambda t:t*2)(m) ; torch.func.vmap(lambda t:t.sum())(m)
torch.func.vmap(lambda t:t==1)(m) ; torch.func.vmap(lambda t:t+1)(m)
(torch.ones(4,requires_grad=True)*x).sum().backward() ; torch.nn.functional.linear(m,m)
torch.nn.functional.one_hot(x,5) ; torch.utils.data.TensorDataset(x)[0]
torch.manual_seed(3) and torch.randint_like(x,100) ; torch.ones_like(x,dtype=torch.float32)
torch.empty_like(torch.ones(2),dtype=u).dtype ; torch.zeros(2,dtype=u).fill_(True) ; x.sub(1) ; x.sub(1.5)
torch.rsub(x,1.0) ; 1.5-x ; x**2.0 ; 2.0**x ; x//2.0 ; x%2.5 ; x.pow(0.5) ; x.clamp(0.5,2.5)
torch.maximum(x,x.float()) ; torch.lerp(x,x,0.5) ; torch.lerp(x.float(),x,0.5) ; torch.addcmul(x.float(),x,x)
torch.dot(x.float(),x) ; torch.mm(m.float(),m.t()) ; x.float()@x ; torch.nn.functional.mse_loss(x.float(),x)
torch.cdist(m.float(),m) ; torch.cat([x,x.half()]) ; torch.add(x.float(),x,alpha=2)
torch.bucketize(x.float(),x) ; torch.isin(x.float(),x) ; x.copysign(-1.0) ; torch.hypot(x,x.float())
torch.logaddexp(x.float(),x) ; torch.gcd(x,x.long()) ; torch.bitwise_and(x,x.bool())
torch.bitwise_and(x,torch.tensor(3)) ; torch.bitwise_and(x,1.5) ; torch.ones(4,dtype=torch.bfloat16)*x
x*torch.tensor(2.5,dtype=torch.float64) ; x*torch.tensor(1j) ; x*torch.ones(4,dtype=torch.complex64) ; x==1.5
x==torch.tensor(1j) ; x!=x.double() ; x.eq_(1.5) ; x.mul_(2.0) ; torch.mul(x,2.5,out=torch.empty(0,dtype=u))
torch.mul(x,2,out=x) ; torch.mul(x,2,out=y[1:].clone()) ; torch.where(b,1.5,x) ; torch.where(b,x,x.float())
torch.where(b,x.long(),x) ; torch.where(b,1,x) ; torch.where(b,torch.tensor(2),x) ; torch.nan_to_num(x,nan=1.0)
torch.clone(x) ; torch.hash_tensor(m) ; torch.hash_tensor(x.float()) ; 1**x ; x**1 ; x**0 ; x.pow_(1)
x**torch.tensor(1) ; 2**x
"""
# Numbers above those of int64 among operands of other types.
LARGE_NUMBERS = """
torch.ones(3,dtype=torch.uint8)<2**64-1 ; torch.tensor([1,-1],dtype=torch.int8)==2**64-1
torch.tensor([1],dtype=torch.int32)+2**63 ; torch.ones(2).add(2**63) ; torch.tensor([1]).clamp(max=2**63)
torch.full((1,),2**63,dtype=torch.float64) ; torch.arange(2**63,2**63+2) ; torch.ones(2)**2**63
torch.tensor([1])*-2**63 ; torch.tensor([1])+-2**64 ; torch.ones(1).fill_(2**64)
torch.zeros(2,dtype=torch.int64).index_fill(0,torch.tensor([0]),2**63)
torch.where(torch.tensor([True]),2**63,torch.tensor([1])) ; torch.tensor([2]).pow(2**63)
torch.ones(2,dtype=torch.bool)+2**63 ; torch.tensor([5])%2**63 ; torch.tensor([5])//2**63
torch.ones(2).masked_fill(torch.tensor([True,False]),2**63) ; torch.linspace(0,2**63,2)
torch.tensor([5])<<2**63 ; torch.tensor([5])/2**63 ; 2**63-torch.tensor([5]) ; torch.ones(2).clamp(max=2**63)
torch.ones(2).clamp(2**63) ; torch.maximum(torch.ones(1),torch.tensor(3))
torch.where(torch.tensor([True]),2**63,torch.ones(1)) ; torch.full((2,),2**63,dtype=torch.uint8)
torch.ones(1,dtype=torch.int64).masked_fill_(torch.tensor([True]),2**63)
torch.nn.functional.pad(torch.ones(1),(1,1),value=2**63) ; torch.ones(2).half()*2**63
torch.tensor([3]).eq(2**63+3) ; torch.ones(3).index_fill(0,torch.tensor([0]),2**63)
torch.zeros(3).scatter(0,torch.tensor([1]),2**63)
torch.zeros(3,dtype=torch.int64).scatter(0,torch.tensor([1]),2**63) ; torch.tensor([1]).add_(2**63)
torch.ones(2,dtype=torch.complex64)*2**63 ; torch.ones(2).sub(1,alpha=2**63) ; torch.tensor([1])&(2**64-1)
torch.tensor([7],dtype=torch.int16)>2**63 ; torch.atan2(torch.ones(1),torch.tensor(1.0))*2**63
torch.tensor([1],dtype=torch.uint8)*(2**64-1)
torch.addcmul(torch.ones(1),torch.ones(1),torch.ones(1),value=2**63)
torch.lerp(torch.ones(1),torch.zeros(1),2**63) ; torch.threshold(torch.ones(1),2**63,2**63)
torch.xlogy(torch.ones(1),2**63) ; torch.tensor(2**63,dtype=torch.float32) ; torch.tensor([2**63,1.5])
torch.tensor([2**63+0j]) ; torch.float_power(torch.ones(1),2**63) ; torch.fmod(torch.tensor([5]),2**63)
torch.tensor([2**64-1],dtype=torch.uint64)%3 ; torch.ones(2,dtype=torch.bool)==2**63
torch.ones(2,dtype=torch.bool)*2**63 ; torch.ones(2,dtype=torch.bool)&2**63
"""


def listed(text):
    return [one for line in text.strip().split("\n") for one in line.split(" ; ")]


def names(package, dtype):
    """What an expression may mention."""
    u = getattr(package, dtype)
    mx = package.iinfo(u).max
    return {
        "torch": package,
        "u": u,
        "mx": mx,
        "x": package.tensor([3, mx, 0, mx // 2 + 1], dtype=u),
        "y": package.tensor([5, 2, mx - 1, mx], dtype=u),
        "m": package.arange(6).reshape(2, 3).to(u),
        "b": package.tensor([True, False, True, False]),
    }


def outcome(package, dtype, expression):
    """What it prints, or the type of the error."""
    package.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return repr(eval(expression, names(package, dtype)))
        except Exception as error:
            return type(error).__name__


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_expressions(dtype):
    wrong = []
    for expression in listed(EXPRESSIONS):
        ours, theirs = (outcome(package, dtype, expression) for package in (facula, torch))
        if ours != theirs:
            wrong.append(f"{expression}: {ours}, torch gives {theirs}")
    assert not wrong


WHOLE = [
    0,
    1,
    2,
    -1,
    -2,
    127,
    -128,
    255,
    256,
    32767,
    -32769,
    65535,
    65536,
    -70000,
    2**24 + 1,
    2**31 - 1,
    2**31,
    2**32 - 1,
]
WHOLE += [2**32, -(2**31) - 1, 2**53 + 1, 2**62 + 12345, 2**63 - 1, -(2**63)]
# Beyond the limits, torch's own vectorised and plain conversions to uint32 disagree.
REAL = [0.0, -0.0, 0.5, -0.5, 1.9, -1.9, 255.5, 65535.9, 65536.5, 70000.0, -70000.0, 4294967295.0, -1.0, -2147483648.0]
FAR = [2.0**53, 9.3e18, 1.8e19, 2.0**63, -(2.0**63), 1e10, -1e10, float("nan"), float("inf"), -float("inf")]


def bytes_of(dtype, target):
    """A vector with extreme numbers, long enough for vectors and their remainder."""
    if dtype in UNSIGNED:
        return np.array([n % 2**64 for n in WHOLE] * 5, np.uint64).astype(dtype).tobytes()
    known = getattr(torch, dtype)
    numbers = WHOLE if not (known.is_floating_point or known.is_complex) else REAL + (FAR if target == "uint64" else [])
    return torch.tensor(numbers * 5).to(known).view(torch.uint8).numpy().tobytes()


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("dtype, target", PAIRS)
def test_conversions(dtype, target, step):
    data, results = bytes_of(dtype, target), []
    for package in (facula, torch):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the imaginary part is lost
            flat = package.frombuffer(bytearray(data), dtype=getattr(package, dtype))[::step]
            results.append(flat.to(getattr(package, target)).contiguous().view(package.uint8).tolist())
    assert results[0] == results[1]


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_files_go_both_ways(dtype):
    for writer, reader in ((facula, torch), (torch, facula)):
        known = names(writer, dtype)
        file = io.BytesIO()
        writer.save({"x": known["x"], "part": known["m"][:, 1:]}, file)
        file.seek(0)
        back = reader.load(file)
        assert short(back["x"].dtype) == dtype
        assert back["x"].tolist() == known["x"].tolist() and back["part"].tolist() == known["m"][:, 1:].tolist()
        assert back["part"].stride() == (3, 1)


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_gradients_pass_by(dtype):
    results = []
    for package in (facula, torch):
        known = names(package, dtype)
        w = package.linspace(1, 2, 4, requires_grad=True)
        (w * known["y"] + package.where(known["b"], w, known["x"])).sum().backward()
        results.append(w.grad.tolist())
    assert results[0] == results[1]
