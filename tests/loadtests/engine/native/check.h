// A check that says where it failed.
#pragma once

#include <cstdio>
#include <cstdlib>

#define CHECK(truth)                                                             \
  do {                                                                           \
    if (!(truth)) {                                                              \
      std::fprintf(stderr, "%s:%d: CHECK(%s) failed\n", __FILE__, __LINE__, #truth); \
      std::exit(1);                                                              \
    }                                                                            \
  } while (false)
