// SPDX-License-Identifier: Apache-2.0
//
// hls_stream.h: the streams of Vitis HLS for g++, as queues without a limit.
//
// Found before the vendor's header of this name when a design is simulated with g++. Functions run
// one after the other there, so a stream may hold more than its depth. A read from an empty stream
// is an error, not a wait: it shows a layer that takes more than it is given. What a layer leaves
// behind is noted when the stream ends, for `hls::sim::leftover`.

#ifndef BITMASON_SIM_HLS_STREAM_H
#define BITMASON_SIM_HLS_STREAM_H

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace hls {

namespace sim {

// What was left in a stream of this thread that has ended, as a sentence; empty if nothing was.
inline std::string& leftover() {
  thread_local std::string text;
  return text;
}

}  // namespace sim

template <class T, int DEPTH = 0>
class stream;

template <class T>
class stream<T, 0> {
 public:
  stream() = default;
  explicit stream(std::string name) : name_(std::move(name)) {}
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;
  ~stream() {
    if (!empty()) sim::leftover() = std::to_string(size()) + " elements were left in " + describe();
  }

  bool empty() const { return head_ == items_.size(); }
  bool full() const { return false; }
  std::size_t size() const { return items_.size() - head_; }
  // The depth that the type asks for, 0 where it asks for none.
  std::size_t capacity() const { return depth_; }
  // The most elements that ever waited here.
  std::size_t high_water() const { return high_water_; }

  void write(const T& value) {
    items_.push_back(value);
    if (size() > high_water_) high_water_ = size();
  }

  T read() {
    if (empty()) throw std::logic_error("read from the empty " + describe());
    T value = items_[head_++];
    if (empty()) {
      items_.clear();
      head_ = 0;
    }
    return value;
  }

  void read(T& value) { value = read(); }
  bool write_nb(const T& value) {
    write(value);
    return true;
  }
  bool read_nb(T& value) {
    if (empty()) return false;
    value = read();
    return true;
  }
  void operator>>(T& value) { value = read(); }
  void operator<<(const T& value) { write(value); }

 protected:
  stream(std::string name, std::size_t depth) : name_(std::move(name)), depth_(depth) {}

 private:
  std::string describe() const {
    const std::string depth = depth_ == 0 ? "" : "depth " + std::to_string(depth_) + ", ";
    return "stream '" + name_ + "' (" + depth + "at most " + std::to_string(high_water_) + " held)";
  }

  std::string name_ = "without a name";
  std::size_t depth_ = 0;
  std::vector<T> items_;
  std::size_t head_ = 0;
  std::size_t high_water_ = 0;
};

// A stream whose type gives its depth is passed on as one that does not, as in Vitis HLS.
template <class T, int DEPTH>
class stream : public stream<T, 0> {
 public:
  explicit stream(std::string name = "without a name") : stream<T, 0>(std::move(name), DEPTH) {}
};

}  // namespace hls

#endif
