package intake

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/width"
)

// dayFrom gives 2026-04-01, when there is such a day.
func dayFrom(year, month, day int) (string, bool) {
	if year < 1900 || year > 9999 {
		return "", false
	}
	s := fmt.Sprintf("%04d-%02d-%02d", year, month, day)
	_, err := time.Parse(time.DateOnly, s)
	return s, err == nil
}

var (
	dayParts  = regexp.MustCompile(`^([0-9]{4})\s*[-/.年]\s*([0-9]{1,2})\s*[-/.月]\s*([0-9]{1,2})\s*日?(?:[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)?$`)
	dayDigits = regexp.MustCompile(`^([0-9]{4})([0-9]{2})([0-9]{2})$`)
)

// readDay reads a day as people and spreadsheets write it; a bare number of five digits
// is how Excel counts days.
func readDay(s string) (string, bool) {
	s = strings.TrimSpace(width.Narrow.String(s))
	for _, form := range []*regexp.Regexp{dayParts, dayDigits} {
		if m := form.FindStringSubmatch(s); m != nil {
			return dayFrom(hanNumber(m[1], false), hanNumber(m[2], false), hanNumber(m[3], false))
		}
	}
	if n, err := strconv.Atoi(s); err == nil && n >= 10_000 && n < 100_000 {
		return time.Date(1899, time.December, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n).Format(time.DateOnly), true
	}
	return "", false
}

// beside gives the day before (-1) or after (1) a day.
func beside(day string, by int) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return ""
	}
	return t.AddDate(0, 0, by).Format(time.DateOnly)
}
