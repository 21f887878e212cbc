/* Errors per request of each pod, without a library and without a generator of bindings. */
#include "leadsman.h"

/* --- memory: nothing is ever freed, as an instance lives for one evaluation --- */

extern uint8_t __heap_base;
static uintptr_t top;

EXPORT("cabi_realloc")
void *cabi_realloc(void *old, size_t size, size_t align, size_t wanted) {
  (void)align;
  if (!top) top = (uintptr_t)&__heap_base;
  uint8_t *at = (uint8_t *)((top + 15) & ~(uintptr_t)15);
  /* 64 MiB are allowed, so this does not overflow before it is refused. */
  if (wanted > 64u << 20) __builtin_trap();
  top = (uintptr_t)at + wanted;
  size_t pages = __builtin_wasm_memory_size(0), needed = (top + 65535) >> 16;
  if (needed > pages && __builtin_wasm_memory_grow(0, needed - pages) == (size_t)-1) __builtin_trap();
  for (size_t i = 0; i < size && i < wanted; i++) at[i] = ((uint8_t *)old)[i];
  return at;
}

static void *array(size_t count, size_t size) {
  uint8_t *at = cabi_realloc(0, 0, 16, count * size);
  for (size_t i = 0; i < count * size; i++) at[i] = 0;
  return at;
}

/* --- looking things up --- */

static int same(const uint8_t *at, size_t len, const char *literal) {
  size_t i = 0;
  for (; i < len; i++)
    if (literal[i] == 0 || at[i] != (uint8_t)literal[i]) return 0;
  return literal[i] == 0;
}

static const vector *vector_of(const input *in, const char *query) {
  for (uint32_t i = 0; i < in->answers.len; i++) {
    const answer *one = &in->answers.at[i];
    if (same(one->query.at, one->query.len, query))
      return one->data.kind == VECTOR ? &one->data.vector : 0;
  }
  return 0;
}

/* A label of all series, or nothing if none has it. */
static const text *column(const input *in, const vector *of, const char *label) {
  const uint32_t *ends = in->dictionary.ends.at;
  for (uint32_t c = 0; c < of->labels.names.len; c++) {
    text name = of->labels.names.at[c];
    uint32_t from = name ? ends[name - 1] : 0;
    if (same(in->dictionary.bytes.at + from, ends[name] - from, label))
      return of->labels.cells.at + c * of->labels.rows;
  }
  return 0;
}

/* --- the plugin --- */

EXPORT("describe")
description *describe(void) {
  static description about = {
      STRING("error-ratio"), STRING("0.1.0"), STRING("Errors per request of each pod"),
      STRING("{\"type\":\"object\",\"additionalProperties\":false}")};
  return &about;
}

/* A plan without queries of its own and without objects: all 0. */
EXPORT("configure")
void *configure(const char *config, uint32_t len, uint32_t api, uint32_t has_served, const char *served,
                uint32_t served_len, const void *queries, uint32_t count) {
  (void)config, (void)len, (void)api, (void)has_served, (void)served, (void)served_len;
  (void)queries, (void)count;
  static uint64_t plan[4];
  return plan;
}

EXPORT("evaluate")
evaluated *evaluate(const arguments *given) {
  static evaluated result;
  const input *in = &given->input;
  const vector *errors = vector_of(in, "errors"), *requests = vector_of(in, "requests");
  if (!errors || !requests) {
    result.is_failure = 1;
    result.failure.message =
        (string)STRING("the queries \"errors\" and \"requests\" are needed, as vectors");
    return &result;
  }
  const text *failed = column(in, errors, "pod"), *pods = column(in, requests, "pod");
  uint32_t most = requests->values.len, count = 0;
  /* Numbers of texts are small, so a table finds the series of a pod. */
  uint32_t *row = array(in->dictionary.ends.len, sizeof *row);
  text *objects = array(most, sizeof *objects);
  double *values = array(most, sizeof *values);
  int64_t *times = array(most, sizeof *times);
  for (uint32_t i = 0; failed && i < errors->values.len; i++) row[failed[i]] = i + 1;
  for (uint32_t i = 0; pods && i < most; i++) {
    uint32_t with = row[pods[i]];
    /* No value is better than one that was not measured. */
    if (!pods[i] || !with || requests->values.at[i] == 0) continue;
    int64_t one = errors->times.at[with - 1], other = requests->times.at[i];
    objects[count] = pods[i];
    values[count] = errors->values.at[with - 1] / requests->values.at[i];
    times[count++] = one < other ? one : other;
  }
  result.measures.objects.at = objects;
  result.measures.values.at = values;
  result.measures.times.at = times;
  result.measures.objects.len = result.measures.values.len = result.measures.times.len = count;
  result.measures.labels.rows = count;
  return &result;
}
