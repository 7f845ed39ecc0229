// Life and memory of tensors and storages. Free lists keep a small `a + b` away from the general allocators.
#include "tensor/tensor.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "runtime/allocator.h"
#include "tensor/layout.h"

namespace facula {

PyTypeObject* tensor_type = nullptr;
PyTypeObject* parameter_type = nullptr;
DType default_dtype = DType::Float32;

// ---- storage ----

// The header fills one cache line, so that data behind it is 64-byte aligned.
static constexpr int64_t kHeader = 64;
static_assert(sizeof(Storage) <= kHeader);

static void release_inline(Storage* s) { deallocate(s, static_cast<size_t>(s->nbytes + kHeader)); }
static void release_borrowed(Storage* s) {
  PyObject* owner = s->owner;
  deallocate(s, kHeader);
  Py_XDECREF(owner);
}

Storage* new_storage(int64_t nbytes) {
  FACULA_CHECK(nbytes >= 0 && nbytes <= INT64_MAX - kHeader, Runtime, "cannot allocate ", nbytes, " bytes");
  auto* s = static_cast<Storage*>(allocate(static_cast<size_t>(nbytes + kHeader)));
  *s = {1, reinterpret_cast<char*>(s) + kHeader, nbytes, 0, true, release_inline, nullptr};
  return s;
}

Storage* borrow_storage(void* data, int64_t nbytes, PyObject* owner) {
  auto* s = static_cast<Storage*>(allocate(kHeader));
  Py_XINCREF(owner);
  *s = {1, data, nbytes, 0, false, release_borrowed, owner};
  return s;
}

// The header stays where it is, as in resize_memory: aliases point to it.
static void release_moved(Storage* s) {
  PyObject* owner = s->owner;
  deallocate(s, static_cast<size_t>(s->nbytes + kHeader));
  Py_XDECREF(owner);
}

bool move_storage(Storage* s, void* data, PyObject* owner) {
  if (s->release != release_inline) return false;
  std::memcpy(data, s->data, static_cast<size_t>(s->nbytes));
  Py_INCREF(owner);
  s->data = data;
  s->resizable = false;
  s->release = release_moved;
  s->owner = owner;
  return true;
}

PyObject* storage_owner(const Storage* s) {
  return s->release == release_borrowed || s->release == release_moved ? s->owner : nullptr;
}

// ---- objects ----

static constexpr int kFreeObjects = 512;
static TensorObject* free_objects[kFreeObjects];
static int num_free_objects = 0;

TensorObject* new_tensor_object(PyTypeObject* type) {
  TensorObject* t;
  if (type == tensor_type && num_free_objects > 0) {
    t = free_objects[--num_free_objects];
    revive(reinterpret_cast<PyObject*>(t));
  } else {
    t = type == tensor_type ? PyObject_GC_New(TensorObject, type)
                            : reinterpret_cast<TensorObject*>(PyType_GenericAlloc(type, 0));
    if (!t) throw PythonError();
  }
  t->storage = nullptr;
  t->byte_offset = 0;
  t->numel = 0;
  new (&t->sizes) Dims;
  new (&t->strides) Dims;
  t->device = {};
  t->flags = type == tensor_type ? 0 : kTracked;
  t->output_index = 0;
  t->node = nullptr;
  new (&t->base) Tensor;
  t->node_version = 0;
  t->private_version = nullptr;
  t->meta = nullptr;
  t->dict = nullptr;
  t->weakrefs = nullptr;
  return t;
}

void clear_tensor(TensorObject* t) {
  if (Node* node = t->node) {
    t->node = nullptr;
    Py_DECREF(reinterpret_cast<PyObject*>(node));
  }
  if (AutogradMeta* meta = t->meta) {
    t->meta = nullptr;
    Py_CLEAR(meta->hooks);
    Py_CLEAR(meta->post_hooks);
    Py_CLEAR(meta->name);
    Py_CLEAR(meta->packed);
    delete meta;
  }
  if (t->base) t->base = Tensor();
  Py_CLEAR(t->dict);
}

void free_tensor_object(TensorObject* t) {
  if (t->storage) release(t->storage);
  if (t->private_version && --t->private_version->references == 0) delete t->private_version;
  t->sizes.~Dims();
  t->strides.~Dims();
  PyTypeObject* type = Py_TYPE(t);
  if (type == tensor_type && num_free_objects < kFreeObjects) {
    free_objects[num_free_objects++] = t;
  } else if (type == tensor_type) {
    PyObject_GC_Del(t);
    Py_DECREF(type);
  } else {
    type->tp_free(t);
    Py_DECREF(type);
  }
}

void track(TensorObject* t) {
  if (t->flags & kTracked) return;
  t->flags |= kTracked;
  PyObject_GC_Track(t);
}

// ---- making tensors ----

void set_shape(TensorObject* t, const Dims& sizes, const Dims& strides) {
  t->sizes = sizes;
  t->strides = strides;
  t->numel = 1;
  for (int64_t s : t->sizes) t->numel *= s;
  bool contiguous = is_contiguous(t->sizes, t->strides);
  t->flags = static_cast<uint8_t>(contiguous ? t->flags | kContiguous : t->flags & ~kContiguous);
}

static int64_t bytes_for(int64_t numel, DType dtype) {
  int64_t bytes;
  FACULA_CHECK(!__builtin_mul_overflow(numel, item_size(dtype), &bytes), Runtime, "a tensor of ", numel,
               " elements of ", name_of(dtype), " overflows the address space");
  return bytes;
}

void check_device(Device device) {
  FACULA_CHECK(device.type != DeviceType::CUDA, Assertion,
               "Torch not compiled with CUDA enabled: this build of facula computes on the CPU; use device='cpu'");
  FACULA_CHECK(device.type == DeviceType::CPU, NotImplemented, "device '", device.text(),
               "' is not supported: facula computes on the CPU");
}

Tensor empty(const Dims& sizes, DType dtype, Device device) {
  check_device(device);
  int64_t n = count_elements(sizes);
  Storage* storage = new_storage(bytes_for(n, dtype));
  TensorObject* t = new_tensor_object(tensor_type);
  t->storage = storage;
  t->dtype = dtype;
  t->numel = n;
  t->sizes = t->strides = sizes;
  int64_t step = 1, *stride = t->strides.data();
  for (size_t i = sizes.size(); i-- > 0;) {
    int64_t size = stride[i];
    stride[i] = step;
    step *= size > 1 ? size : 1;
  }
  t->flags |= kContiguous;
  return Tensor::steal(t);
}

// Bytes from the first to one past the last element; strides must not be negative.
static int64_t span_elements(const Dims& sizes, const Dims& strides) {
  int64_t last = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return 0;
    int64_t extent;
    bool overflow = __builtin_mul_overflow(sizes[i] - 1, strides[i], &extent);
    overflow |= __builtin_add_overflow(last, extent, &last);
    FACULA_CHECK(!overflow, Runtime, "sizes ", sizes, " with strides ", strides, " overflow the address space");
  }
  return last + 1;
}

Tensor empty_strided(const Dims& sizes, const Dims& strides, DType dtype, Device device) {
  check_device(device);
  FACULA_CHECK(sizes.size() == strides.size(), Runtime, "mismatch in length of strides and shape: sizes ", sizes,
               ", strides ", strides);
  for (int64_t s : strides)
    FACULA_CHECK(s >= 0, Runtime,
                 "as_strided: Negative strides are not supported at the moment, got strides: ", strides);
  count_elements(sizes);
  return wrap_storage(new_storage(bytes_for(span_elements(sizes, strides), dtype)), sizes, strides, 0, dtype);
}

Tensor wrap_storage(Storage* owned, const Dims& sizes, const Dims& strides, int64_t offset, DType dtype) {
  TensorObject* t = new_tensor_object(tensor_type);
  t->storage = owned;
  t->byte_offset = offset * item_size(dtype);
  t->dtype = dtype;
  set_shape(t, sizes, strides);
  return Tensor::steal(t);
}

Tensor empty_like(const Tensor& t, DType dtype) {
  if (t->is_contiguous()) return empty(t->sizes, dtype, t->device);
  const Dims strides = is_dense(t) ? t->strides : following_strides(t->sizes, &t->strides, 1);
  return empty_strided(t->sizes, strides, dtype, t->device);
}

// Negative: dimension a is the inner one of the two; positive: b is; 0: no operand says.
static int inner_of(int a, int b, const Dims& sizes, const Dims* operands, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    const int64_t first = operands[i][a], second = operands[i][b];
    if (first == 0 || second == 0) continue;
    if (first != second) return first < second ? -1 : 1;
    if (sizes[a] > sizes[b]) return 1;
  }
  return 0;
}

Dims following_strides(const Dims& sizes, const Dims* operands, size_t n) {
  SmallVector<int, 8> order;  // from the innermost dimension
  for (int d = static_cast<int>(sizes.size()) - 1; d >= 0; --d) {
    order.push_back(d);
    // Insertion past what does not say: "no operand says" is not transitive, so no library sort will do.
    for (int at = static_cast<int>(order.size()) - 1, before = at - 1; before >= 0; --before) {
      const int found = inner_of(order[before], order[at], sizes, operands, n);
      if (found < 0) break;
      if (found == 0) continue;
      std::swap(order[before], order[at]);
      at = before;
    }
  }
  Dims strides = contiguous_strides(sizes);
  int64_t step = 1;
  for (int d : order) {
    strides[d] = step;
    step *= std::max<int64_t>(sizes[d], 1);
  }
  return strides;
}

Tensor alias(const Tensor& t, const Dims& sizes, const Dims& strides, int64_t byte_offset) {
  TensorObject* v = new_tensor_object(tensor_type);
  v->storage = t->storage;
  retain(v->storage);
  v->byte_offset = byte_offset;
  v->dtype = t->dtype;
  v->device = t->device;
  v->flags |= t->flags & kInference;
  if (t->private_version) {
    v->private_version = t->private_version;
    ++v->private_version->references;
  }
  set_shape(v, sizes, strides);
  return Tensor::steal(v);
}

void assign_memory(const Tensor& t, const Tensor& from) {
  retain(from->storage);
  if (t->storage) release(t->storage);
  t->storage = from->storage;
  t->byte_offset = from->byte_offset;
  t->dtype = from->dtype;
  t->device = from->device;
  set_shape(t.get(), from->sizes, from->strides);
}

void give_private_version(const Tensor& t) {
  if (t->private_version && --t->private_version->references == 0) delete t->private_version;
  t->private_version = new PrivateVersion{1, 0};
}

void resize_memory(const Tensor& t, const Dims& sizes) {
  int64_t bytes = bytes_for(count_elements(sizes), t->dtype);
  int64_t offset = t->byte_offset;
  if (offset + bytes > t->storage->nbytes) {
    Storage* s = t->storage;
    FACULA_CHECK(s->resizable, Runtime,
                 "Trying to resize storage that is not resizable: it belongs to another library");
    void* fresh = allocate(static_cast<size_t>(offset + bytes));
    std::memcpy(fresh, s->data, static_cast<size_t>(s->nbytes));
    if (s->release == release_inline) {
      // The header stays where it is (aliases point to it); its old data behind it is wasted until the end.
      int64_t old = s->nbytes;
      s->owner = reinterpret_cast<PyObject*>(static_cast<intptr_t>(old));
      s->release = [](Storage* st) {
        deallocate(st->data, static_cast<size_t>(st->nbytes));
        deallocate(st, static_cast<size_t>(reinterpret_cast<intptr_t>(st->owner) + kHeader));
      };
    } else {
      deallocate(s->data, static_cast<size_t>(s->nbytes));
    }
    s->data = fresh;
    s->nbytes = offset + bytes;
  }
  set_shape(t.get(), sizes, contiguous_strides(sizes));
}

// ---- questions about layout ----

bool is_dense(const Tensor& t) {
  if (t->is_contiguous()) return true;
  SmallVector<int, 8> order;
  for (int i = 0; i < t->ndim(); ++i)
    if (t->sizes[i] != 1) order.push_back(i);
  std::sort(order.begin(), order.end(), [&](int a, int b) { return t->strides[a] < t->strides[b]; });
  int64_t step = 1;
  for (int i : order) {
    if (t->strides[i] != step) return false;
    step *= t->sizes[i];
  }
  return true;
}

bool has_internal_overlap(const Tensor& t) {
  if (t->numel <= 1 || t->is_contiguous()) return false;
  SmallVector<int, 8> order;
  for (int i = 0; i < t->ndim(); ++i) {
    if (t->sizes[i] == 1) continue;
    if (t->strides[i] == 0) return true;
    order.push_back(i);
  }
  auto stride = [&](int i) { return std::abs(t->strides[i]); };
  std::sort(order.begin(), order.end(), [&](int a, int b) { return stride(a) < stride(b); });
  int64_t extent = 0;  // distance from first to last element of the dimensions so far
  for (int i : order) {
    if (stride(i) <= extent) return true;  // may be a false alarm for exotic strides; PyTorch cannot decide them either
    extent += stride(i) * (t->sizes[i] - 1);
  }
  return false;
}

bool same_memory_layout(const Tensor& a, const Tensor& b) {
  return a->data() == b->data() && a->dtype == b->dtype && a->sizes == b->sizes && a->strides == b->strides;
}

bool may_overlap(const Tensor& a, const Tensor& b) {
  if (a->storage->data != b->storage->data || a->numel == 0 || b->numel == 0) return false;
  auto end = [](const Tensor& t) {
    int64_t last = 0;
    for (size_t i = 0; i < t->sizes.size(); ++i) last += (t->sizes[i] - 1) * t->strides[i];
    return t->data() + (last + 1) * t->item_size();
  };
  return a->data() < end(b) && b->data() < end(a);
}

DType promote_barebones(DType a, DType b) {
  if (is_floating(a)) return a;
  fail(ErrorKind::Runtime, "Promotion for uint16, uint32, uint64 types is not supported, attempted to promote ",
       scalar_type_name(a), " and ", scalar_type_name(b), "; convert one of them first, e.g. x.to(torch.int64)");
}

const char* tensor_type_text(const TensorObject* t) {
  static const char* names[kNumDTypes] = {"torch.BoolTensor",   "torch.ByteTensor",         "torch.CharTensor",
                                          "torch.ShortTensor",  "torch.IntTensor",          "torch.LongTensor",
                                          "torch.HalfTensor",   "torch.BFloat16Tensor",     "torch.FloatTensor",
                                          "torch.DoubleTensor", "torch.ComplexFloatTensor", "torch.ComplexDoubleTensor",
                                          "torch.UInt16Tensor", "torch.UInt32Tensor",       "torch.UInt64Tensor"};
  return names[index_of(t->dtype)];
}

}  // namespace facula
