package plugin

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// ParseDuration reads a duration as mappings have it: `500ms`, `5s`, `1m30s`, `2h`, `7d`. The error
// says what would be right.
func ParseDuration(text string) (time.Duration, error) {
	short := []rune(text)
	short = short[:min(len(short), 40)]
	wrong := fmt.Errorf("%q is not a duration such as 30s, 1m30s, 2h or 7d", string(short))
	units := map[string]int64{
		"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000,
	}
	rest, total := strings.TrimSpace(text), int64(0)
	if rest == "" {
		return 0, wrong
	}
	const most = math.MaxInt64 / int64(time.Millisecond)
	for rest != "" {
		digits := 0
		number := int64(0)
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
			if number > most/10 {
				return 0, wrong
			}
			number = number*10 + int64(rest[digits]-'0')
			digits++
		}
		end := digits
		for end < len(rest) && (rest[end] < '0' || rest[end] > '9') {
			end++
		}
		unit, known := units[rest[digits:end]]
		if digits == 0 || !known || number > (most-total)/unit {
			return 0, wrong
		}
		total += number * unit
		rest = rest[end:]
	}
	return time.Duration(total) * time.Millisecond, nil
}
