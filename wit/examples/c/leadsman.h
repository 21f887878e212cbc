/* The contract of wit/plugin.wit in C: on wasm32 the canonical ABI lays records out as structs. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* A number of the input's dictionary; 0 is the empty text, "not set". */
typedef uint32_t text;

#define LIST(T) struct { T *at; uint32_t len; }
typedef LIST(const uint8_t) string;
typedef LIST(const text) texts;
typedef LIST(const int64_t) times;
typedef LIST(const double) values;

typedef struct { LIST(const uint8_t) bytes; LIST(const uint32_t) ends; } dictionary;
typedef struct { texts names; uint32_t rows; texts cells; } labels;
typedef struct { labels labels; times times; values values; } vector;
typedef struct { labels labels; LIST(const uint32_t) ends; times times; values values; } matrix;

enum kind { VECTOR, MATRIX, SCALAR, TEXT };
typedef struct {
  uint8_t kind;
  union {
    vector vector;
    matrix matrix;
    struct { int64_t time; double value; } scalar;
    struct { int64_t time; text text; } message;
  };
} data;

typedef struct { uint8_t is_set; string value; } optional_string;
typedef struct { string query; data data; optional_string unit; LIST(const string) warnings; } answer;
typedef struct { texts names, namespaces; labels labels; texts addresses; } objects;
typedef struct {
  dictionary dictionary;
  struct { uint8_t is_cluster; string namespace; } scope;
  LIST(const answer) answers;
  struct { uint8_t is_set; objects value; } objects;
  int64_t now;
} input;

typedef struct {
  dictionary dictionary;
  texts objects, namespaces;
  values values;
  times times;
  LIST(const uint32_t) windows;
  labels labels;
} measures;
typedef struct { string message; optional_string query; } failure;
typedef struct { uint8_t is_failure; union { measures measures; failure failure; }; } evaluated;
typedef struct { string name, version, about, schema; } description;

/* What the host passes is one argument where it is too much for parameters. */
typedef struct { string config; input input; } arguments;

_Static_assert(sizeof(answer) == 88 && offsetof(answer, unit) == 64, "answer");
_Static_assert(sizeof(input) == 96 && offsetof(input, now) == 88, "input");
_Static_assert(sizeof(evaluated) == 80 && offsetof(evaluated, measures) == 4, "evaluated");

#define EXPORT(name) __attribute__((export_name(name)))
#define STRING(literal) {(const uint8_t *)(literal), sizeof(literal) - 1}
