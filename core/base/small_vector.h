// A vector that keeps its first N elements in-line: shapes, strides, edges and saved values fit without a heap call.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <new>
#include <type_traits>
#include <utility>

namespace facula {

template <class T, uint32_t N>
class SmallVector {
 public:
  SmallVector() = default;
  explicit SmallVector(size_t n) { resize(n); }
  SmallVector(size_t n, const T& value) {
    reserve(n);
    for (size_t i = 0; i < n; ++i) push_back(value);
  }
  SmallVector(std::initializer_list<T> list) { assign(list.begin(), list.end()); }
  template <class It>
    requires(!std::is_integral_v<It>)
  SmallVector(It first, It last) {
    assign(first, last);
  }
  SmallVector(const SmallVector& o) {
    if (kPlain && !o.heap_)
      copy_inline(o);
    else
      assign(o.begin(), o.end());
  }
  SmallVector(SmallVector&& o) noexcept { take(o); }
  SmallVector& operator=(const SmallVector& o) {
    if (this == &o) return *this;
    if (kPlain && !o.heap_ && !heap_)
      copy_inline(o);
    else
      assign(o.begin(), o.end());
    return *this;
  }
  SmallVector& operator=(SmallVector&& o) noexcept {
    if (this != &o) {
      release();
      take(o);
    }
    return *this;
  }
  ~SmallVector() { release(); }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return heap_ ? heap_ : inline_data(); }
  const T* data() const { return heap_ ? heap_ : const_cast<SmallVector*>(this)->inline_data(); }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }
  T& operator[](size_t i) { return data()[i]; }
  const T& operator[](size_t i) const { return data()[i]; }
  T& back() { return data()[size_ - 1]; }
  const T& back() const { return data()[size_ - 1]; }

  template <class... A>
  T& emplace_back(A&&... a) {
    if (size_ == capacity_) reserve(capacity_ * 2);
    T* p = new (data() + size_) T(std::forward<A>(a)...);
    ++size_;
    return *p;
  }
  void push_back(T value) { emplace_back(std::move(value)); }
  void pop_back() { data()[--size_].~T(); }
  void clear() {
    if constexpr (!std::is_trivially_destructible_v<T>)
      for (T& x : *this) x.~T();
    size_ = 0;
  }
  void resize(size_t n) {
    reserve(n);
    if constexpr (kPlain) {
      for (size_t i = size_; i < n; ++i) new (data() + i) T();
      size_ = static_cast<uint32_t>(n);
      return;
    }
    while (size_ > n) pop_back();
    while (size_ < n) emplace_back();
  }
  void insert(size_t at, T value) {
    push_back(std::move(value));
    for (size_t i = size_ - 1; i > at; --i) std::swap((*this)[i], (*this)[i - 1]);
  }
  void erase(size_t at) {
    for (size_t i = at; i + 1 < size_; ++i) std::swap((*this)[i], (*this)[i + 1]);
    pop_back();
  }
  void reserve(size_t n) {
    if (n <= capacity_) return;
    T* fresh = static_cast<T*>(std::malloc(n * sizeof(T)));
    if (!fresh) throw std::bad_alloc();
    T* old = data();
    for (uint32_t i = 0; i < size_; ++i) {
      new (fresh + i) T(std::move(old[i]));
      old[i].~T();
    }
    std::free(heap_);
    heap_ = fresh;
    capacity_ = static_cast<uint32_t>(n);
  }
  template <class It>
  void assign(It first, It last) {
    clear();
    if constexpr (kPlain && std::is_pointer_v<It>) {
      reserve(static_cast<size_t>(last - first));
      for (T* to = data(); first != last; ++first, ++to, ++size_) *to = *first;
    } else {
      for (; first != last; ++first) push_back(*first);
    }
  }
  friend bool operator==(const SmallVector& a, const SmallVector& b) {
    if (a.size_ != b.size_) return false;
    const T *x = a.data(), *y = b.data();
    for (uint32_t i = 0; i < a.size_; ++i)
      if (!(x[i] == y[i])) return false;
    return true;
  }

 private:
  static constexpr bool kPlain = std::is_trivially_copyable_v<T>;
  T* inline_data() { return reinterpret_cast<T*>(storage_); }
  // All N places at once, used or not: a copy of known length is a few vector moves.
  void copy_inline(const SmallVector& o) {
    std::memcpy(storage_, o.storage_, sizeof storage_);
    size_ = o.size_;
  }
  void release() {
    clear();
    if (heap_) std::free(heap_);
    heap_ = nullptr;
    capacity_ = N;
  }
  void take(SmallVector& o) {
    heap_ = o.heap_;
    capacity_ = o.capacity_;
    size_ = o.size_;
    if (kPlain) {
      std::memcpy(storage_, o.storage_, sizeof storage_);
    } else if (!heap_) {
      T* from = o.inline_data();
      for (uint32_t i = 0; i < size_; ++i) {
        new (inline_data() + i) T(std::move(from[i]));
        from[i].~T();
      }
    }
    o.heap_ = nullptr;
    o.size_ = 0;
    o.capacity_ = N;
  }
  T* heap_ = nullptr;
  uint32_t size_ = 0, capacity_ = N;
  alignas(T) unsigned char storage_[N * sizeof(T)];
};

}  // namespace facula
