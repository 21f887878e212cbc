//go:build wasip1

package log

import "unsafe"

//go:wasmimport leadsman:plugin/log@0.1.0 write
//go:noescape
func hostWrite(level uint32, message unsafe.Pointer, length uint32)

func write(level uint32, message string) {
	hostWrite(level, unsafe.Pointer(unsafe.StringData(message)), uint32(len(message)))
}
