// What nearly every file of the core includes, for the compiler to parse once (core/CMakeLists.txt). Files include what
// they use all the same.
#pragma once
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/gil.h"
#include "ops/ops.h"
