// One direction of one recurrent layer (tanh, relu, LSTM, GRU) over packed steps: the inputs of all steps in one
// product, then a product and a fused pass for each step; backward through time likewise. Nothing differentiates it
// twice.
#include "cpu/recurrent.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "base/gil.h"
#include "ops/axis.h"
#include "runtime/gemm.h"
#include "runtime/repeated_product.h"

namespace facula {

namespace {

// Note [Packed steps]: data are [total, features]; step t has batch_sizes[t] rows, never more than the step before, so
// row b of a step continues row b of the step before it. Without batch_sizes every step has as many rows as h0.
enum class Cell : int64_t { Tanh, Relu, Lstm, Gru };
int64_t gates_of(Cell c) { return c == Cell::Lstm ? 4 : c == Cell::Gru ? 3 : 1; }
// Columns that the forward pass keeps for the backward one: the gates; the cell state and, for LSTM, what is projected.
int64_t kept_columns(Cell c, int64_t hidden) { return c == Cell::Lstm ? 6 * hidden : c == Cell::Gru ? 4 * hidden : 0; }

struct Walk {
  Cell cell;
  bool reverse;
  DType dtype;  // of the computation: float or double
  int64_t total, batch, inputs, hidden, outputs, gates;
  Dims sizes, starts;  // of each step
  int64_t steps() const { return static_cast<int64_t>(sizes.size()); }
  int64_t item() const { return item_size(dtype); }
  int64_t step(int64_t i) const { return reverse ? steps() - 1 - i : i; }  // the i-th that is computed
  char* row(const Tensor& t, int64_t r) const { return t->data() + r * t->sizes[1] * item(); }
};
Tensor operand(const Tensor& t, DType dtype) { return ops::contiguous_memory(ops::converted_memory(t, dtype)); }

void check_matrix(const char* what, const Tensor& t, int64_t rows, int64_t columns) {
  FACULA_CHECK((t->sizes == Dims{rows, columns}), Runtime, "recurrent layer: expected ", what, " of size [", rows, ", ",
               columns, "], but got ", t->sizes);
}
void check_same_type(const Tensor& x, const Tensor& t) {
  FACULA_CHECK(t->dtype == x->dtype, Runtime, "expected scalar type ", scalar_type_name(x->dtype), " but found ",
               scalar_type_name(t->dtype), " (input, states and weights of a recurrent layer must have the same type)");
}

struct Weights {
  Tensor input, state, input_bias, state_bias, projection;
};

Walk plan(const Tensor& x, const Tensor& h0, MaybeTensor c0, const Weights& w, const Dims* batch_sizes, int64_t cell,
          bool reverse) {
  FACULA_CHECK(cell >= 0 && cell <= 3, Value, "recurrent layer: no such cell: ", cell);
  FACULA_CHECK(is_floating(x->dtype), NotImplemented, "\"addmm_impl_cpu_\" not implemented for '",
               scalar_type_name(x->dtype), "'");
  FACULA_CHECK(x->ndim() == 2 && h0->ndim() == 2 && w.input->ndim() == 2 && w.state->ndim() == 2, Runtime,
               "recurrent layer: input, state and weights must be matrices, but got ", x->sizes, ", ", h0->sizes, ", ",
               w.input->sizes, " and ", w.state->sizes);
  Walk k{static_cast<Cell>(cell),
         reverse,
         x->dtype == DType::Float64 ? DType::Float64 : DType::Float32,
         x->sizes[0],
         h0->sizes[0],
         x->sizes[1],
         0,
         h0->sizes[1],
         0,
         {},
         {}};
  k.gates = w.input->sizes[0];
  k.hidden = k.gates / gates_of(k.cell);
  check_matrix("weight_ih", w.input, k.hidden * gates_of(k.cell), k.inputs);
  check_matrix("weight_hh", w.state, k.gates, k.outputs);
  if (w.projection)
    check_matrix("weight_hr", w.projection, k.outputs, k.hidden);
  else
    FACULA_CHECK(k.outputs == k.hidden, Runtime, "recurrent layer: expected a state of ", k.hidden,
                 " features, but got ", h0->sizes);
  FACULA_CHECK((c0 != nullptr) == (k.cell == Cell::Lstm), Runtime, "recurrent layer: a cell state is for LSTM only");
  if (c0) check_matrix("c0", *c0, k.batch, k.hidden);
  for (const Tensor* t : {&h0, c0, &w.input, &w.state, &w.input_bias, &w.state_bias, &w.projection})
    if (t && *t) check_same_type(x, *t);
  for (const Tensor* t : {&w.input_bias, &w.state_bias})
    FACULA_CHECK(!*t || (*t)->sizes == Dims{k.gates}, Runtime, "recurrent layer: expected a bias of size [", k.gates,
                 "], but got ", (*t)->sizes);
  if (batch_sizes)
    k.sizes = *batch_sizes;
  else
    for (int64_t left = k.batch ? k.total : 0; left > 0; left -= k.batch) k.sizes.push_back(k.batch);
  int64_t at = 0, before = k.batch;
  for (int64_t n : k.sizes) {
    FACULA_CHECK(n > 0 && n <= before, Runtime, "recurrent layer: batch_sizes must be positive and not increase, got ",
                 k.sizes);
    k.starts.push_back(at);
    at += n;
    before = n;
  }
  FACULA_CHECK(at == k.total, Runtime, "recurrent layer: batch_sizes add up to ", at, " but there are ", k.total,
               " rows of input");
  return k;
}

// to = from @ weight.T (+ to)
void times_weight(const Walk& k, int64_t rows, const Tensor& weight, const void* from, void* to, bool add) {
  const int64_t out = weight->sizes[0], in = weight->sizes[1];
  gemm(k.dtype, false, true, rows, out, in, 1, from, in, weight->data(), in, add ? 1 : 0, to, out);
}
// to = from @ weight (+ to)
void times_transposed(const Walk& k, int64_t rows, const Tensor& weight, const void* from, void* to, bool add) {
  const int64_t out = weight->sizes[1], in = weight->sizes[0];
  gemm(k.dtype, false, false, rows, out, in, 1, from, in, weight->data(), out, add ? 1 : 0, to, out);
}
void fill_rows(const Tensor& to, const Tensor& bias) {
  if (bias)
    ops::copy_memory(to, bias);
  else
    ops::fill_memory(to, Scalar(0.0));
}
void copy_rows(const Walk& k, const Tensor& to, int64_t at, const char* from, int64_t rows) {
  std::memcpy(k.row(to, at), from, static_cast<size_t>(rows * to->sizes[1] * k.item()));
}

// Where a step's state comes from: the current states of all sequences.
struct States {
  Tensor h, c;  // [batch, outputs], [batch, hidden]
};
// The kept columns of a step lie apart by kind: [total, gates], then [total, hidden] each.
struct Kept {
  Tensor gates, cells, raw;
  Kept(const Walk& k, const Tensor& all) {
    auto part = [&](int64_t from, int64_t columns) {
      return alias(all, {k.total, columns}, {columns, 1}, all->byte_offset + k.total * from * k.item());
    };
    if (k.cell == Cell::Lstm) {
      gates = part(0, 4 * k.hidden);
      cells = part(4 * k.hidden, k.hidden);
      raw = part(5 * k.hidden, k.hidden);
    } else if (k.cell == Cell::Gru) {
      gates = part(0, 4 * k.hidden);
    }
  }
};

Tensor transposed_memory(const Tensor& t) {
  return ops::contiguous_memory(alias(t, {t->sizes[1], t->sizes[0]}, {t->strides[1], t->strides[0]}, t->byte_offset));
}

struct Forward {
  const Walk& k;
  const Weights& w;
  const Kept& kept;
  Tensor sums;     // [total, gates]: the inputs' part
  Tensor product;  // [batch, gates]: the state's part (GRU)
  Tensor y;
  States now;
  Tensor turned;                          // the state's weights as [outputs, gates], where enough steps read them
  std::optional<RepeatedProduct> packed;  // or packed, where steps have many rows
  // The states of all sequences where the last step wrote them, if it had all; null: in `now`.
  const char *last_h = nullptr, *last_c = nullptr;

  const char* h() const { return last_h ? last_h : now.h->data(); }
  const char* c() const { return last_c ? last_c : now.c->data(); }
  void keep(const Tensor& state, const char*& last, const char* written, int64_t rows) {
    if (rows == k.batch) {
      last = written;
    } else {
      settle(state, last);
      copy_rows(k, state, 0, written, rows);
    }
  }
  void settle(const Tensor& state, const char*& last) {
    if (last) copy_rows(k, state, 0, last, k.batch);
    last = nullptr;
  }
  void times_state(int64_t rows, void* to, bool add) const {
    if (packed) return packed->multiply(rows, h(), k.outputs, add ? 1 : 0, to, k.gates);
    if (!turned) return times_weight(k, rows, w.state, h(), to, add);
    gemm(k.dtype, false, false, rows, k.gates, k.outputs, 1, h(), k.outputs, turned->data(), k.gates, add ? 1 : 0, to,
         k.gates);
  }
  void step(int64_t t) {
    const int64_t rows = k.sizes[t], at = k.starts[t];
    const auto& kernels = cpu::recurrent();
    void* out = k.row(y, at);
    if (k.cell == Cell::Lstm) {
      void *gates = k.row(kept.gates, at), *raw = w.projection ? k.row(kept.raw, at) : out;
      times_state(rows, gates, true);
      kernels.lstm(k.dtype, rows, k.hidden, gates, c(), k.row(kept.cells, at), raw);
      keep(now.c, last_c, k.row(kept.cells, at), rows);
      if (w.projection) times_weight(k, rows, w.projection, raw, out, false);
    } else if (k.cell == Cell::Gru) {
      times_state(rows, product->data(), false);
      if (w.state_bias)
        for (int64_t r = 0; r < rows; ++r) kernels.add(k.dtype, k.gates, k.row(product, r), w.state_bias->data());
      kernels.gru(k.dtype, rows, k.hidden, k.row(sums, at), product->data(), h(), k.row(kept.gates, at), out);
    } else {
      times_state(rows, out, true);
      kernels.plain(k.dtype, k.cell == Cell::Relu, rows * k.hidden, out);
    }
    keep(now.h, last_h, k.row(y, at), rows);
  }
};

Tensor copied(const Tensor& t, DType dtype) {
  Tensor c = empty(t->sizes, dtype);
  ops::copy_memory(c, t);
  return c;
}
Weights as_type(const Weights& w, DType dtype) {
  auto as = [&](const Tensor& t) { return t ? operand(t, dtype) : Tensor(); };
  return {as(w.input), as(w.state), as(w.input_bias), as(w.state_bias), as(w.projection)};
}
Weights weights_of(const Tensor& input, const Tensor& state, MaybeTensor input_bias, MaybeTensor state_bias,
                   MaybeTensor projection) {
  auto get = [](MaybeTensor t) { return t ? *t : Tensor(); };
  return {input, state, get(input_bias), get(state_bias), get(projection)};
}

// What every row of the inputs' part begins with.
Tensor bias_of(const Walk& k, const Weights& w) {
  if (!w.state_bias || k.cell == Cell::Gru) return w.input_bias;
  if (!w.input_bias) return w.state_bias;
  Tensor both = copied(w.input_bias, k.dtype);
  cpu::recurrent().add(k.dtype, k.gates, both->data(), w.state_bias->data());
  return both;
}
// Whether the state's weights are worth packing or turning (measured): enough uses of them.
bool pays_packing(const Walk& k) {
  constexpr int64_t kSteps = 4, kRows = 16, kWork = 1 << 19;
  return k.steps() >= kSteps && k.batch >= kRows && k.batch * k.gates * k.outputs >= kWork;
}
bool pays_turning(const Walk& k) {
  constexpr int64_t kSteps = 4, kRows = 2;
  return k.steps() >= kSteps && k.batch >= kRows;
}

// Gives the outputs, what was kept, the last state and, for LSTM, the last cell state.
TensorList recurrent(const Tensor& x, const Tensor& h0, MaybeTensor c0, const Tensor& weight_ih,
                     const Tensor& weight_hh, MaybeTensor bias_ih, MaybeTensor bias_hh, MaybeTensor weight_hr,
                     const Dims* batch_sizes, int64_t cell, bool reverse) {
  const Weights given = weights_of(weight_ih, weight_hh, bias_ih, bias_hh, weight_hr);
  const Walk k = plan(x, h0, c0, given, batch_sizes, cell, reverse);
  const Weights w = as_type(given, k.dtype);
  Tensor in = operand(x, k.dtype), all = empty({k.total, kept_columns(k.cell, k.hidden)}, k.dtype);
  const Kept kept(k, all);
  Tensor y = empty({k.total, k.outputs}, k.dtype);
  // The sums over the inputs go where the step's activation is wanted.
  Tensor sums = k.cell == Cell::Lstm ? kept.gates : k.cell == Cell::Gru ? empty({k.total, k.gates}, k.dtype) : y;
  fill_rows(sums, bias_of(k, w));
  Forward forward = {k, w, kept, sums, {}, y, {copied(h0, k.dtype), c0 ? copied(*c0, k.dtype) : Tensor()}, {}, {}};
  if (pays_packing(k))
    forward.packed.emplace(k.dtype, k.gates, k.outputs, w.state->data(), 1, k.outputs);
  else if (pays_turning(k))
    forward.turned = transposed_memory(w.state);
  if (k.cell == Cell::Gru) forward.product = empty({k.batch, k.gates}, k.dtype);
  {
    GilRelease unlocked(k.total * k.gates * (k.inputs + k.outputs) > kLongWork);
    if (k.total > 0) times_weight(k, k.total, w.input, in->data(), sums->data(), true);
    for (int64_t i = 0; i < k.steps(); ++i) forward.step(k.step(i));
    forward.settle(forward.now.h, forward.last_h);
    forward.settle(forward.now.c, forward.last_c);
  }
  TensorList results{ops::converted_memory(y, x->dtype), all, ops::converted_memory(forward.now.h, x->dtype)};
  if (c0) results.push_back(ops::converted_memory(forward.now.c, x->dtype));
  return results;
}

// ---- backward ----

struct BackwardWalk {
  const Walk& k;
  const Weights& w;
  const Kept& kept;
  Tensor y, h0, c0, dy;
  Tensor dgates, dstates;                 // [total, gates]: of the sums; GRU has its own for the state's part
  Tensor dh, dc;                          // gradients of the states, of all sequences
  Tensor before, dprojected;              // [total, outputs]: the state before each step; the gradient of each output
  Tensor draw, cell_before;               // [batch, hidden]
  std::optional<RepeatedProduct> packed;  // the state's weights, where steps have many rows

  // State (or cell state) before step t: the rows of the step computed before it, then those that start here.
  void gather_before(int64_t t, const Tensor& steps, const Tensor& first, const Tensor& to, int64_t to_row) {
    const int64_t rows = k.sizes[t], previous = k.reverse ? t + 1 : t - 1;
    int64_t continued = 0;
    if (previous >= 0 && previous < k.steps()) {
      continued = std::min(rows, k.sizes[previous]);
      copy_rows(k, to, to_row, k.row(steps, k.starts[previous]), continued);
    }
    copy_rows(k, to, to_row + continued, k.row(first, continued), rows - continued);
  }
  void times_state(int64_t rows, const void* from, bool add) const {
    if (!packed) return times_transposed(k, rows, w.state, from, dh->data(), add);
    packed->multiply(rows, from, k.gates, add ? 1 : 0, dh->data(), k.outputs);
  }
  void step(int64_t t) {
    const int64_t rows = k.sizes[t], at = k.starts[t];
    const auto& kernels = cpu::recurrent();
    gather_before(t, y, h0, before, at);
    kernels.add(k.dtype, rows * k.outputs, dh->data(), k.row(dy, at));
    void* dsums = k.row(dgates, at);
    if (k.cell == Cell::Lstm) {
      gather_before(t, kept.cells, c0, cell_before, 0);
      const void* gradient = dh->data();
      if (w.projection) {
        copy_rows(k, dprojected, at, dh->data(), rows);
        times_transposed(k, rows, w.projection, dh->data(), draw->data(), false);
        gradient = draw->data();
      }
      kernels.lstm_backward(k.dtype, rows, k.hidden, k.row(kept.gates, at), cell_before->data(), k.row(kept.cells, at),
                            gradient, dc->data(), dsums);
      times_state(rows, dsums, false);
    } else if (k.cell == Cell::Gru) {
      void* dstate = k.row(dstates, at);
      kernels.gru_backward(k.dtype, rows, k.hidden, k.row(kept.gates, at), k.row(before, at), dh->data(), dsums,
                           dstate);
      times_state(rows, dstate, true);
    } else {
      kernels.plain_backward(k.dtype, k.cell == Cell::Relu, rows * k.hidden, k.row(y, at), dh->data(), dsums);
      times_state(rows, dsums, false);
    }
  }
};

// from.T @ what: the gradient of a weight.
Tensor weight_gradient(const Walk& k, const Tensor& from, const Tensor& what) {
  Tensor out = empty({from->sizes[1], what->sizes[1]}, k.dtype);
  gemm(k.dtype, true, false, from->sizes[1], what->sizes[1], k.total, 1, from->data(), from->sizes[1], what->data(),
       what->sizes[1], 0, out->data(), what->sizes[1]);
  return out;
}
Tensor sums_of_columns(const Walk& k, const Tensor& from) {
  Tensor out = empty({from->sizes[1]}, k.dtype);
  cpu::recurrent().column_sums(k.dtype, k.total, from->sizes[1], from->data(), out->data());
  return out;
}

void set_gradients(Backward& b, const BackwardWalk& s, const Tensor& x) {
  const Walk& k = s.k;
  const Tensor& of_state = k.cell == Cell::Gru ? s.dstates : s.dgates;
  if (b.needs(0)) {
    Tensor dx = empty({k.total, k.inputs}, k.dtype);
    if (k.total > 0) times_transposed(k, k.total, s.w.input, s.dgates->data(), dx->data(), false);
    b.set(0, dx);
  }
  if (b.needs(1)) b.set(1, s.dh);
  if (b.needs(2)) b.set(2, s.dc);
  if (b.needs(3)) b.set(3, weight_gradient(k, s.dgates, x));
  if (b.needs(4)) b.set(4, weight_gradient(k, of_state, s.before));
  if (b.needs(5)) b.set(5, sums_of_columns(k, s.dgates));
  if (b.needs(6)) b.set(6, sums_of_columns(k, of_state));
  if (b.needs(7)) b.set(7, weight_gradient(k, s.dprojected, s.kept.raw));
}

// ---- backward in tensor operations, to be differentiated again ----

FACULA_FRONT(sigmoid, (const Tensor& x), x)
FACULA_FRONT(tanh, (const Tensor& x), x)
FACULA_FRONT(relu, (const Tensor& x), x)
Tensor rows_of(const Tensor& t, int64_t from, int64_t count) { return ops::slice(t, 0, from, from + count, 1); }
Tensor columns_of(const Tensor& t, int64_t part, int64_t hidden) {
  return ops::slice(t, 1, part * hidden, (part + 1) * hidden, 1);
}
Tensor one_minus(const Tensor& t) { return ops::sub(1.0, t); }
Tensor times(const Tensor& a, const Tensor& weight) { return ops::matmul(a, ops::t(weight)); }

struct Composed {
  const Walk& k;
  Weights w;
  Tensor h0, c0, sums;       // sums: the inputs' part, [total, gates]
  std::vector<Tensor> h, c;  // after each step
  std::vector<Tensor> before, cell_before, product;
  std::vector<Tensor> dgates, dstates, dprojected, raw;
  Tensor dh, dc;

  Tensor state_before(int64_t t, const std::vector<Tensor>& steps, const Tensor& first) const {
    const int64_t rows = k.sizes[t], previous = k.reverse ? t + 1 : t - 1;
    if (previous < 0 || previous >= k.steps()) return rows_of(first, 0, rows);
    const int64_t continued = std::min(rows, k.sizes[previous]);
    Tensor old = rows_of(steps[previous], 0, continued);
    return continued == rows ? old : ops::cat({old, rows_of(first, continued, rows - continued)}, 0);
  }
  Tensor gate(const Tensor& sums, int64_t part) const { return sigmoid(columns_of(sums, part, k.hidden)); }
  void forward(int64_t t) {
    before[t] = state_before(t, h, h0);
    Tensor own = rows_of(sums, k.starts[t], k.sizes[t]), state = times(before[t], w.state);
    if (w.state_bias) state = ops::add(state, w.state_bias);
    product[t] = k.cell == Cell::Gru ? state : ops::add(own, state);
    if (k.cell == Cell::Lstm) {
      cell_before[t] = state_before(t, c, c0);
      Tensor cell = ops::mul(gate(product[t], 1), cell_before[t]);
      c[t] = ops::add(cell, ops::mul(gate(product[t], 0), tanh(columns_of(product[t], 2, k.hidden))));
      raw[t] = ops::mul(gate(product[t], 3), tanh(c[t]));
      h[t] = w.projection ? times(raw[t], w.projection) : raw[t];
    } else if (k.cell == Cell::Gru) {
      Tensor z, n, r;
      gru_gates(t, own, &r, &z, &n);
      h[t] = ops::add(n, ops::mul(z, ops::sub(before[t], n)));
    } else {
      h[t] = k.cell == Cell::Relu ? relu(product[t]) : tanh(product[t]);
    }
  }
  void gru_gates(int64_t t, const Tensor& own, Tensor* r, Tensor* z, Tensor* n) const {
    auto part = [&](int64_t i) { return ops::add(columns_of(own, i, k.hidden), columns_of(product[t], i, k.hidden)); };
    *r = sigmoid(part(0));
    *z = sigmoid(part(1));
    *n = tanh(ops::add(columns_of(own, 2, k.hidden), ops::mul(*r, columns_of(product[t], 2, k.hidden))));
  }
  // All of a state's rows, the first of them replaced.
  static Tensor replaced(const Tensor& all, const Tensor& first) {
    const int64_t n = first->sizes[0], total = all->sizes[0];
    return n == total ? first : ops::cat({first, rows_of(all, n, total - n)}, 0);
  }
  void backward(int64_t t, const Tensor& dy) {
    const int64_t rows = k.sizes[t];
    Tensor g = ops::add(rows_of(dh, 0, rows), rows_of(dy, k.starts[t], rows)), dstate, extra;
    if (k.cell == Cell::Lstm) {
      dstate = lstm_sums(t, g);
      dgates[t] = dstate;
    } else if (k.cell == Cell::Gru) {
      Tensor r, z, n;
      gru_gates(t, rows_of(sums, k.starts[t], rows), &r, &z, &n);
      Tensor dn = ops::mul(ops::mul(g, one_minus(z)), one_minus(ops::mul(n, n)));
      Tensor dz = ops::mul(ops::mul(g, ops::sub(before[t], n)), ops::mul(z, one_minus(z)));
      Tensor dr = ops::mul(ops::mul(dn, columns_of(product[t], 2, k.hidden)), ops::mul(r, one_minus(r)));
      dgates[t] = ops::cat({dr, dz, dn}, 1);
      dstates[t] = dstate = ops::cat({dr, dz, ops::mul(dn, r)}, 1);
      extra = ops::mul(g, z);
    } else {
      Tensor slope = k.cell == Cell::Tanh ? one_minus(ops::mul(h[t], h[t])) : ops::sign(h[t]);
      dgates[t] = dstate = ops::mul(g, slope);
    }
    Tensor next = ops::matmul(dstate, w.state);
    dh = replaced(dh, extra ? ops::add(next, extra) : next);
  }
  Tensor lstm_sums(int64_t t, const Tensor& g) {
    const int64_t rows = k.sizes[t];
    if (w.projection) dprojected[t] = g;
    Tensor d = w.projection ? ops::matmul(g, w.projection) : g;
    Tensor i = gate(product[t], 0), f = gate(product[t], 1), n = tanh(columns_of(product[t], 2, k.hidden)),
           o = gate(product[t], 3), u = tanh(c[t]);
    Tensor cell = ops::add(rows_of(dc, 0, rows), ops::mul(ops::mul(d, o), one_minus(ops::mul(u, u))));
    Tensor di = ops::mul(ops::mul(cell, n), ops::mul(i, one_minus(i)));
    Tensor df = ops::mul(ops::mul(cell, cell_before[t]), ops::mul(f, one_minus(f)));
    Tensor dn = ops::mul(ops::mul(cell, i), one_minus(ops::mul(n, n)));
    Tensor dout = ops::mul(ops::mul(d, u), ops::mul(o, one_minus(o)));
    dc = replaced(dc, ops::mul(cell, f));
    return ops::cat({di, df, dn, dout}, 1);
  }
};
Tensor joined(const std::vector<Tensor>& steps) {
  TensorList list;
  for (const Tensor& t : steps) list.push_back(t);
  return ops::cat(list, 0);
}
void composed(Backward& b, const Walk& k, const Weights& w) {
  const size_t n = static_cast<size_t>(k.steps());
  Tensor x = b.input(0), c0 = b.input(2);
  Composed s{k, w, b.input(1), c0, times(x, w.input), {}, {}, {}, {}, {}, {}, {}, {}, {}, b.grad(2), {}};
  if (w.input_bias) s.sums = ops::add(s.sums, w.input_bias);
  if (c0) s.dc = b.grad(3);
  for (auto* v : {&s.h, &s.c, &s.before, &s.cell_before, &s.product, &s.dgates, &s.dstates, &s.dprojected, &s.raw})
    v->resize(n);
  for (int64_t i = 0; i < k.steps(); ++i) s.forward(k.step(i));
  Tensor dy = b.grad(0);
  for (int64_t i = k.steps() - 1; i >= 0; --i) s.backward(k.step(i), dy);
  Tensor dgates = joined(s.dgates), dstates = k.cell == Cell::Gru ? joined(s.dstates) : dgates;
  const Dims first{0};
  if (b.needs(0)) b.set(0, ops::matmul(dgates, w.input));
  if (b.needs(1)) b.set(1, s.dh);
  if (b.needs(2)) b.set(2, s.dc);
  if (b.needs(3)) b.set(3, ops::matmul(ops::t(dgates), x));
  if (b.needs(4)) b.set(4, ops::matmul(ops::t(dstates), joined(s.before)));
  if (b.needs(5)) b.set(5, ops::sum(dgates, &first, false));
  if (b.needs(6)) b.set(6, ops::sum(dstates, &first, false));
  if (b.needs(7)) b.set(7, ops::matmul(ops::t(joined(s.dprojected)), joined(s.raw)));
}

void recurrent_vjp(Backward& b) {
  Tensor x = b.input(0), h0 = b.input(1), c0 = b.input(2);
  const Weights given = {b.input(3), b.input(4), b.input(5), b.input(6), b.input(7)};
  const Walk k = plan(x, h0, c0 ? &c0 : nullptr, given, b.arg(8).is_none() ? nullptr : b.arg(8).ints, b.arg(9).number.i,
                      b.arg(10).number.to_bool());
  if (mode.grad && k.steps() > 0) return composed(b, k, given);
  const Weights w = as_type(given, k.dtype);
  const Kept kept(k, b.result(1));
  BackwardWalk s = {k,
                    w,
                    kept,
                    operand(b.result(0), k.dtype),
                    operand(h0, k.dtype),
                    c0 ? operand(c0, k.dtype) : Tensor(),
                    operand(b.grad(0), k.dtype),
                    empty({k.total, k.gates}, k.dtype),
                    {},
                    {},
                    {},
                    empty({k.total, k.outputs}, k.dtype),
                    {},
                    {},
                    {},
                    {}};
  if (pays_packing(k)) s.packed.emplace(k.dtype, k.outputs, k.gates, w.state->data(), k.outputs, 1);
  if (k.cell == Cell::Gru) s.dstates = empty({k.total, k.gates}, k.dtype);
  s.dh = copied(b.grad(2), k.dtype);
  if (c0) {
    s.dc = copied(b.grad(3), k.dtype);
    s.cell_before = empty({k.batch, k.hidden}, k.dtype);
  }
  if (w.projection) {
    s.draw = empty({k.batch, k.hidden}, k.dtype);
    s.dprojected = empty({k.total, k.outputs}, k.dtype);
  }
  Tensor in = operand(x, k.dtype);
  {
    GilRelease unlocked(k.total * k.gates * (k.inputs + k.outputs) > kLongWork);
    for (int64_t i = k.steps() - 1; i >= 0; --i) s.step(k.step(i));
  }
  set_gradients(b, s, in);
}

constexpr uint32_t kEverything = 0xff | kSaveResult | kSaveResult1;
const OpDef kOps[] = {
    FACULA_OP("_recurrent", Fused, "RecurrentBackward0", recurrent, .vjp = recurrent_vjp,
              .saves = {kEverything, kEverything, kEverything, kEverything}),
};

}  // namespace

extern const OpFamily kRecurrentFamily;
const OpFamily kRecurrentFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
