package analysis

import "regexp"

// A number is one unit with its decimals and its percent sign, and what it counts belongs
// to it: 2.5% is neither 2 nor 5, and 5个工作日 has nothing in common with 5年 or 工作许可.
var (
	digitsIn = regexp.MustCompile(`^[0-9]+(?:\.[0-9]+)*[%‰]?`)
	// spans are counted in words that mean other things alone; they belong to the number whole.
	spans = regexp.MustCompile(`^ ?(?:个?半?(?:工作日|自然日|小时|钟头)|个?(?:百分点|季度|星期)|个月|分钟|秒钟)`)
	// counters are characters that mean the same with a number and without; they are units
	// of their own besides.
	counters = regexp.MustCompile(`^ ?[年月日天周时分秒个条项级类次家部种号届期户人元万亿倍成折岁楼层度页件票批吨台米]`)
)

// maxCounted is the length in digits up to which a number is told apart by what it counts:
// 2026 and 2026年 are one year, and 237 and 237号令 one decree, however they are written.
const maxCounted = 2

// counted is a number at the start of a text: its length in bytes, and the word it is.
type counted struct {
	size int
	term string
}

func number(s string) counted {
	digits := digitsIn.FindString(s)
	rest := s[len(digits):]
	if span := spans.FindString(rest); span != "" {
		return counted{len(digits) + len(span), digits + trimBlank(span)}
	}
	if len(digits) > maxCounted {
		return counted{len(digits), digits}
	}
	return counted{len(digits), digits + trimBlank(counters.FindString(rest))}
}

func trimBlank(s string) string {
	if s != "" && s[0] == ' ' {
		return s[1:]
	}
	return s
}
