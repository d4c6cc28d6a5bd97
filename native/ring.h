// A queue on one growing array: no allocation once it has reached its size.
#pragma once

#include <cstddef>
#include <vector>

namespace redline {

template <typename T>
class Ring {
 public:
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  T& front() { return items_[first_]; }

  void push_back(T item) {
    if (size_ == items_.size()) grow();
    items_[(first_ + size_++) & (items_.size() - 1)] = item;
  }

  void push_front(T item) {
    if (size_ == items_.size()) grow();
    first_ = (first_ + items_.size() - 1) & (items_.size() - 1);
    items_[first_] = item;
    ++size_;
  }

  T pop_front() {
    T item = items_[first_];
    first_ = (first_ + 1) & (items_.size() - 1);
    --size_;
    return item;
  }

 private:
  void grow() {
    std::vector<T> bigger(items_.empty() ? 16 : items_.size() * 2);
    for (size_t index = 0; index < size_; ++index) {
      bigger[index] = items_[(first_ + index) & (items_.size() - 1)];
    }
    items_.swap(bigger);
    first_ = 0;
  }

  std::vector<T> items_;  // its size is a power of two
  size_t first_ = 0;
  size_t size_ = 0;
};

}  // namespace redline
