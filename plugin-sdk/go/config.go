package plugin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sort"
	"strings"
)

// Schemer is a type of a configuration whose JSON schema is not that of its Go type. It reads its
// value with UnmarshalJSON.
type Schemer interface {
	// JSONSchema is the schema: `{"type": "string", …}`.
	JSONSchema() map[string]any
}

// A configuration is a struct. Its exported fields are its keys; these tags describe them:
//
//	json     the key; ",omitempty" makes it optional
//	doc      what it means
//	default  its value where it is left out, as JSON or, for strings, as it is
//	enum     the values that are allowed, with commas between them
//	minimum  the smallest number that is allowed
//	maximum  the largest one
//
// A field without default is required, unless it is a pointer, a slice or a map, or has omitempty.
type field struct {
	index    int
	key      string
	optional bool
	of       reflect.StructField
}

var schemer = reflect.TypeFor[Schemer]()

func fields(of reflect.Type) []field {
	var found []field
	for index := range of.NumField() {
		f := of.Field(index)
		key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || key == "-" {
			continue
		}
		if key == "" {
			key = strings.ToLower(f.Name[:1]) + f.Name[1:]
		}
		_, hasDefault := f.Tag.Lookup("default")
		kind := f.Type.Kind()
		optional := hasDefault || strings.Contains(options, "omitempty") ||
			kind == reflect.Pointer || kind == reflect.Slice || kind == reflect.Map
		found = append(found, field{index, key, optional, f})
	}
	return found
}

// schemaOf is the JSON schema of a type.
func schemaOf(of reflect.Type) map[string]any {
	if s, ok := reflect.New(of).Interface().(Schemer); ok {
		return s.JSONSchema()
	}
	switch of.Kind() {
	case reflect.Pointer:
		return schemaOf(of.Elem())
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return map[string]any{"type": "integer", "minimum": 0}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(of.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(of.Elem())}
	case reflect.Struct:
		return schemaOfStruct(of)
	default:
		panic(fmt.Sprintf("a configuration has no fields of the type %s", of))
	}
}

func schemaOfStruct(of reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, f := range fields(of) {
		schema := schemaOf(f.of.Type)
		if doc := f.of.Tag.Get("doc"); doc != "" {
			schema["description"] = doc
		}
		if value, ok := f.of.Tag.Lookup("default"); ok {
			schema["default"] = json.RawMessage(defaultJSON(f.of.Type, value))
		}
		if values := f.of.Tag.Get("enum"); values != "" {
			schema["enum"] = strings.Split(values, ",")
		}
		for _, bound := range []string{"minimum", "maximum"} {
			if number := f.of.Tag.Get(bound); number != "" {
				schema[bound] = json.RawMessage(number)
			}
		}
		properties[f.key] = schema
		if !f.optional {
			required = append(required, f.key)
		}
	}
	return map[string]any{
		"type": "object", "properties": properties, "required": required, "additionalProperties": false,
	}
}

// defaultJSON is a default as JSON: strings need no quotes in the tag.
func defaultJSON(of reflect.Type, value string) string {
	if json.Valid([]byte(value)) && of.Kind() != reflect.String {
		return value
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// decode reads a configuration into a struct, with all that is wrong with it.
func decode(config []byte, into reflect.Value) []Fault {
	reader := json.NewDecoder(bytes.NewReader(config))
	reader.UseNumber()
	var value any
	if err := reader.Decode(&value); err != nil {
		return []Fault{{"", "is not JSON: " + err.Error()}}
	}
	if _, err := reader.Token(); !errors.Is(err, io.EOF) {
		return []Fault{{"", "is more than one JSON value"}}
	}
	return decodeValue("", value, into)
}

func decodeValue(path string, value any, into reflect.Value) []Fault {
	of := into.Type()
	if of.Kind() == reflect.Pointer {
		if value == nil {
			return nil
		}
		into.Set(reflect.New(of.Elem()))
		return decodeValue(path, value, into.Elem())
	}
	if reflect.PointerTo(of).Implements(schemer) {
		return unmarshal(path, value, into)
	}
	switch of.Kind() {
	case reflect.Struct:
		object, ok := value.(map[string]any)
		if !ok {
			return []Fault{wrongType(path, value, "an object")}
		}
		return decodeStruct(path, object, into)
	case reflect.Slice:
		items, ok := value.([]any)
		if !ok {
			return []Fault{wrongType(path, value, "an array")}
		}
		into.Set(reflect.MakeSlice(of, len(items), len(items)))
		var faults []Fault
		for at, item := range items {
			faults = append(faults, decodeValue(fmt.Sprintf("%s/%d", path, at), item, into.Index(at))...)
		}
		return faults
	case reflect.Map:
		object, ok := value.(map[string]any)
		if !ok {
			return []Fault{wrongType(path, value, "an object")}
		}
		into.Set(reflect.MakeMap(of))
		var faults []Fault
		for _, key := range sortedKeys(object) {
			item := reflect.New(of.Elem()).Elem()
			faults = append(faults, decodeValue(path+"/"+pointerPart(key), object[key], item)...)
			into.SetMapIndex(reflect.ValueOf(key).Convert(of.Key()), item)
		}
		return faults
	default:
		return unmarshal(path, value, into)
	}
}

func decodeStruct(path string, object map[string]any, into reflect.Value) []Fault {
	var faults []Fault
	known := map[string]bool{}
	var keys []string
	for _, f := range fields(into.Type()) {
		known[f.key] = true
		keys = append(keys, "`"+f.key+"`")
		at := path + "/" + pointerPart(f.key)
		value, given := object[f.key]
		target := into.Field(f.index)
		text, hasDefault := f.of.Tag.Lookup("default")
		switch {
		case given:
			found := decodeValue(at, value, target)
			if len(found) == 0 {
				found = bounded(at, f, target)
			}
			faults = append(faults, found...)
		case hasDefault:
			if err := json.Unmarshal([]byte(defaultJSON(f.of.Type, text)), target.Addr().Interface()); err != nil {
				faults = append(faults, Fault{at, "its default is wrong: " + err.Error()})
			}
		case !f.optional:
			faults = append(faults, Fault{path, fmt.Sprintf("missing field `%s`", f.key)})
		}
	}
	for _, key := range sortedKeys(object) {
		if !known[key] {
			faults = append(faults, Fault{
				path + "/" + pointerPart(key),
				fmt.Sprintf("unknown field `%s`, expected one of %s", key, listed(keys, "none")),
			})
		}
	}
	return faults
}

// bounded checks what tags say of a value.
func bounded(path string, f field, value reflect.Value) []Fault {
	for value.Kind() == reflect.Pointer {
		if value.IsNil() {
			return nil
		}
		value = value.Elem()
	}
	if values := f.of.Tag.Get("enum"); values != "" && value.Kind() == reflect.String {
		allowed := strings.Split(values, ",")
		for _, one := range allowed {
			if one == value.String() {
				return nil
			}
		}
		return []Fault{{path, unknownVariant(value.String(), allowed)}}
	}
	var number float64
	switch {
	case value.CanFloat():
		number = value.Float()
	case value.CanInt():
		number = float64(value.Int())
	case value.CanUint():
		number = float64(value.Uint())
	default:
		return nil
	}
	var bound float64
	if text := f.of.Tag.Get("minimum"); text != "" && json.Unmarshal([]byte(text), &bound) == nil && number < bound {
		return []Fault{{path, "must be at least " + text}}
	}
	if text := f.of.Tag.Get("maximum"); text != "" && json.Unmarshal([]byte(text), &bound) == nil && number > bound {
		return []Fault{{path, "must be at most " + text}}
	}
	return nil
}

func unmarshal(path string, value any, into reflect.Value) []Fault {
	if value == nil {
		return []Fault{wrongType(path, value, "a value")}
	}
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, into.Addr().Interface())
	}
	if err == nil {
		return nil
	}
	var fault Fault
	if errors.As(err, &fault) {
		return []Fault{{path + fault.Path, fault.Message}}
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return []Fault{wrongType(path, value, typeName(into.Type()))}
	}
	return []Fault{{path, strings.TrimPrefix(err.Error(), "json: ")}}
}

func wrongType(path string, value any, wanted string) Fault {
	text, err := json.Marshal(value)
	if err != nil || len(text) > 40 {
		return Fault{path, fmt.Sprintf("invalid type: expected %s", wanted)}
	}
	return Fault{path, fmt.Sprintf("invalid type: %s, expected %s", text, wanted)}
}

func typeName(of reflect.Type) string {
	switch of.Kind() {
	case reflect.Bool:
		return "a boolean"
	case reflect.String:
		return "a string"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number of at least 0"
	default:
		return "a whole number"
	}
}

func unknownVariant(found string, allowed []string) string {
	return fmt.Sprintf("unknown variant `%s`, expected one of `%s`", found, strings.Join(allowed, "`, `"))
}

func sortedKeys(object map[string]any) []string {
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

func pointerPart(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}
