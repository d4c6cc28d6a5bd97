#include "log.h"

#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace redline {
namespace {

static_assert(sizeof(Log::Head) == 24 && sizeof(Log::Record) == 56);

void write_all(int file, const void* bytes, size_t size) {
  const char* place = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t written = write(file, place, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw std::system_error(errno, std::generic_category());
    place += written;
    size -= static_cast<size_t>(written);
  }
}

}  // namespace

void Log::write(int file, Nanoseconds started) const {
  Head head;
  head.started = started;
  head.records = chunks_.empty() ? 0 : (chunks_.size() - 1) * kChunk + used_;
  write_all(file, &head, sizeof head);
  for (const auto& chunk : chunks_) {
    const size_t size = &chunk == &chunks_.back() ? used_ : kChunk;
    write_all(file, chunk.get(), size * sizeof(Record));
  }
}

}  // namespace redline
