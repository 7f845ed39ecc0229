// Errors: an exception that knows which Python exception it becomes, and `fail`, which composes its text.
#pragma once
#include <exception>
#include <sstream>
#include <string>

namespace facula {

// Which Python exception the text is raised as (core/python/errors.cpp translates).
enum class ErrorKind : uint8_t { Runtime, Value, Type, Index, NotImplemented, Memory, Assertion, LinAlg };

class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string text) : kind(kind), text(std::move(text)) {}
  const char* what() const noexcept override { return text.c_str(); }
  ErrorKind kind;
  std::string text;
};

// A Python exception is already set; unwinds to the boundary without touching it.
class PythonError : public std::exception {};

template <class... Parts>
[[noreturn, gnu::noinline, gnu::cold]] void fail(ErrorKind kind, const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  throw Error(kind, text.str());
}

#define FACULA_CHECK(condition, kind, ...)                                                         \
  do {                                                                                             \
    if (__builtin_expect(!(condition), 0)) ::facula::fail(::facula::ErrorKind::kind, __VA_ARGS__); \
  } while (0)

}  // namespace facula
