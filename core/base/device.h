// Where a tensor's memory is.
#pragma once
#include <cstdint>
#include <string>

namespace facula {

enum class DeviceType : uint8_t { CPU, CUDA, Meta };

struct Device {
  DeviceType type = DeviceType::CPU;
  int8_t index = -1;  // -1: no particular one (always for the CPU)
  friend bool operator==(Device, Device) = default;
  std::string text() const {
    std::string name = type == DeviceType::CPU ? "cpu" : type == DeviceType::CUDA ? "cuda" : "meta";
    return index < 0 ? name : name + ":" + std::to_string(index);
  }
};

}  // namespace facula
