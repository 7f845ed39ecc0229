// Tensor: a typed, strided view of a storage. It *is* a Python object, so that one reference count serves both worlds.
// No arithmetic here: only memory, shape, and the slots that the derivative graph hangs on.
#pragma once
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "base/device.h"
#include "base/dims.h"
#include "base/dtype.h"

namespace facula {

struct Node;
struct TensorObject;

// The memory that views share. The header and, for memory of our own, the data lie in one block.
struct Storage {
  int64_t references;
  void* data;
  int64_t nbytes;
  uint32_t version;  // counts in-place writes through any alias
  bool resizable;    // our own memory (resize_ may replace it)
  void (*release)(Storage*);
  PyObject* owner;  // whoever lent the memory (a NumPy array, a buffer, a DLPack capsule)
};
Storage* new_storage(int64_t nbytes);
// Memory of somebody else; `owner` is kept (a new reference is taken) until the last alias is gone.
Storage* borrow_storage(void* data, int64_t nbytes, PyObject* owner);
// Copies the bytes to memory of `owner`, where all aliases see them from then on. False when it is not our own memory.
bool move_storage(Storage* s, void* data, PyObject* owner);
PyObject* storage_owner(const Storage* s);  // borrowed; null when the memory is our own
inline void retain(Storage* s) { __atomic_fetch_add(&s->references, 1, __ATOMIC_RELAXED); }
inline void release(Storage* s) {  // whoever sees a count of 1 is alone: no locked instruction
  if (__atomic_load_n(&s->references, __ATOMIC_ACQUIRE) == 1 ||
      __atomic_sub_fetch(&s->references, 1, __ATOMIC_ACQ_REL) == 0)
    s->release(s);
}

// A version counter of its own, for `x.data`: writes through it are invisible to x's saved values, as in PyTorch.
struct PrivateVersion {
  int64_t references;
  uint32_t version;
};

// Counted handle. `Tensor()` is the absent tensor.
class Tensor {
 public:
  Tensor() = default;
  Tensor(const Tensor& o) : p_(o.p_) { Py_XINCREF(reinterpret_cast<PyObject*>(p_)); }
  Tensor(Tensor&& o) noexcept : p_(o.p_) { o.p_ = nullptr; }
  Tensor& operator=(const Tensor& o) {
    Tensor t(o);
    std::swap(p_, t.p_);
    return *this;
  }
  Tensor& operator=(Tensor&& o) noexcept {
    std::swap(p_, o.p_);
    return *this;
  }
  ~Tensor() { Py_XDECREF(reinterpret_cast<PyObject*>(p_)); }
  static Tensor steal(TensorObject* p) {
    Tensor t;
    t.p_ = p;
    return t;
  }
  static Tensor borrow(TensorObject* p) {
    Py_XINCREF(reinterpret_cast<PyObject*>(p));
    return steal(p);
  }
  TensorObject* release() {
    TensorObject* p = p_;
    p_ = nullptr;
    return p;
  }
  TensorObject* get() const { return p_; }
  TensorObject* operator->() const { return p_; }
  PyObject* object() const { return reinterpret_cast<PyObject*>(p_); }
  explicit operator bool() const { return p_ != nullptr; }
  bool is(const Tensor& o) const { return p_ == o.p_; }

 private:
  TensorObject* p_ = nullptr;
};
using TensorList = SmallVector<Tensor, 4>;

// What only some tensors have: leaves that collect a gradient, tensors with hooks.
struct AutogradMeta {
  Tensor grad;
  Node* accumulator = nullptr;     // not owned; the node clears it when it dies
  PyObject* hooks = nullptr;       // dict of id -> callable, for register_hook
  PyObject* post_hooks = nullptr;  // dict, for register_post_accumulate_grad_hook
  PyObject* name = nullptr;
  bool retains_grad = false;
  int level = 0;               // a batched tensor: of which vmap (see tensor/batched.h)
  Tensor physical;             // ... and all its samples
  PyObject* packed = nullptr;  // stands for a kept tensor that a hook packed: (what pack returned, unpack)
};

enum TensorFlag : uint8_t {
  kContiguous = 1,
  kRequiresGrad = 2,
  kInference = 4,
  kTracked = 8,
  kOneOfSeveralViews = 16,
  kViewWithoutGrad = 32,  // how a view was made: writing into it would not be recorded rightly
  kBatched = 64,          // stands for one sample of meta->physical
  kPacked = 128,          // stands for meta->packed among what a node keeps; no program sees it
};

struct TensorObject {
  PyObject_HEAD
  Storage* storage;
  int64_t byte_offset;  // of the first element in the storage, whose memory resize_ may replace
  int64_t numel;
  Dims sizes, strides;  // strides in elements
  DType dtype;
  Device device;
  uint8_t flags;
  uint32_t output_index;  // which output of `node` this is
  Node* node;             // grad_fn, owned
  Tensor base;            // for a view: the tensor it was taken from, never a view itself
  uint32_t node_version;  // for a view: base's version when `node` was made; a later one means it must be renewed
  PrivateVersion* private_version;
  AutogradMeta* meta;
  PyObject* dict;
  PyObject* weakrefs;

  int64_t ndim() const { return static_cast<int64_t>(sizes.size()); }
  bool is_contiguous() const { return flags & kContiguous; }
  bool requires_grad() const { return (flags & kRequiresGrad) || node; }
  bool is_leaf() const { return node == nullptr; }
  int64_t item_size() const { return facula::item_size(dtype); }
  char* data() const { return static_cast<char*>(storage->data) + byte_offset; }
  int64_t offset() const { return byte_offset / item_size(); }
  uint32_t& version() { return private_version ? private_version->version : storage->version; }
  AutogradMeta& autograd() {
    if (!meta) meta = new AutogradMeta;
    return *meta;
  }
  template <class T>
  T* ptr() const {
    return reinterpret_cast<T*>(data());
  }
  int64_t size(int64_t dim) const { return sizes[wrap_dim(dim, ndim())]; }
};

extern PyTypeObject* tensor_type;     // facula.Tensor, set by core/python
extern PyTypeObject* parameter_type;  // facula.nn.Parameter, set when that module is imported; null before

// New contiguous tensor, uninitialised.
void check_device(Device device);  // raises where there is none
Tensor empty(const Dims& sizes, DType dtype, Device device = {});
Tensor empty_strided(const Dims& sizes, const Dims& strides, DType dtype, Device device = {});
// Like t in shape and dtype, keeping the order of its dimensions in memory when it is dense.
Tensor empty_like(const Tensor& t, DType dtype);
inline Tensor empty_like(const Tensor& t) { return empty_like(t, t->dtype); }
// A tensor of the same memory with another shape. Plain memory: the graph is not involved. Checks nothing.
Tensor alias(const Tensor& t, const Dims& sizes, const Dims& strides, int64_t byte_offset);
inline Tensor alias(const Tensor& t) { return alias(t, t->sizes, t->strides, t->byte_offset); }
Tensor wrap_storage(Storage* owned, const Dims& sizes, const Dims& strides, int64_t offset, DType dtype);

void set_shape(TensorObject* t, const Dims& sizes, const Dims& strides);  // also recomputes numel and contiguity
void assign_memory(const Tensor& t, const Tensor& from);  // t takes over storage, shape and dtype (set_data)
void give_private_version(const Tensor& t);
void resize_memory(const Tensor& t, const Dims& sizes);  // resize_: contents kept, new ones uninitialised
bool is_dense(const Tensor& t);  // every element of a contiguous span exactly once, in any order of dimensions
bool has_internal_overlap(const Tensor& t);
bool same_memory_layout(const Tensor& a, const Tensor& b);  // same data, sizes and strides
bool may_overlap(const Tensor& a, const Tensor& b);         // byte ranges intersect
// A dead object of a heap type lives again: PyObject_Init without a call; the list kept the reference to its type.
inline void revive(PyObject* o) {
#if defined(Py_GIL_DISABLED) || defined(Py_TRACE_REFS)
  _Py_NewReference(o);
#else
  Py_SET_REFCNT(o, 1);
#endif
}
void track(TensorObject* t);  // shows it to the garbage collector: it may now be part of a cycle
const char* tensor_type_text(const TensorObject* t);  // "torch.FloatTensor"

// Object life, used by the type object in core/python.
TensorObject* new_tensor_object(PyTypeObject* type);
void clear_tensor(TensorObject* t);
void free_tensor_object(TensorObject* t);

// The default floating type (set_default_dtype).
extern DType default_dtype;

}  // namespace facula
