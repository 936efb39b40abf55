// SPDX-License-Identifier: Apache-2.0
//
// How the harness ends, and its files.

#ifndef BITMASON_HOST_HPP
#define BITMASON_HOST_HPP

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

constexpr int kExitUsage = 2;
constexpr int kExitStuck = 3;

[[noreturn]] inline void die(int status, const std::string& message) {
  std::fflush(stdout);
  std::fprintf(stderr, "harness: %s\n", message.c_str());
  std::exit(status);
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

inline File open_file(const std::string& path, const char* mode) {
  File file(std::fopen(path.c_str(), mode));
  if (!file) die(kExitUsage, "cannot open " + path);
  return file;
}

#endif
