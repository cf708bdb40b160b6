package bot

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Items says which measures are meant. Only one of its fields is set, but for Last
// beside Numbers: 第1条和最后一条.
type Items struct {
	// Numbers are the source's own numbers: 第2和第5条.
	Numbers []int
	// First and Last count from the ends of what was shown: 前两条, 最后一条.
	First, Last int
	// FromEnd is one place counted from the end, from 1: 倒数第二条 is 2.
	FromEnd int
	// Step goes on from the measure last shown: 1 下一条, -1 上一条.
	Step int
}

// None tells that no measure is meant.
func (i Items) None() bool {
	return len(i.Numbers) == 0 && i.First == 0 && i.Last == 0 && i.FromEnd == 0 && i.Step == 0
}

// few is what 几 in 前几条 stands for, and maxNumbers bounds 第1到999条.
const (
	few        = 3
	maxNumbers = 60
	// maxNumber is what three digits hold; no section is longer.
	maxNumber = 999
)

var (
	andLast = regexp.MustCompile(`最后一?(?:条|个|点|项)$`)
	oneStep = regexp.MustCompile(`^前面?的?(?:一|1)(?:条|点|项|款)$`)
	// numberIn is one number. Words for digits without a word for ten between them are
	// several: 一三五 are 1, 3 and 5, 十二 is 12.
	numberIn  = regexp.MustCompile(`[0-9]{1,3}|[一二两三四五六七八九]?百(?:零?[一二三四五六七八九]?十[一二三四五六七八九]?|零?[一二三四五六七八九])?|[一二三四五六七八九]?十[一二三四五六七八九]?|[一二两三四五六七八九][零〇]?|[零〇]`)
	rangeIn   = regexp.MustCompile(`(` + numberIn.String() + `)(?:条|点|项|款|个)?\s*(?:到|至|-|–|—|~)\s*第?(` + numberIn.String() + `)`)
	fromFront = regexp.MustCompile(`^(?:最?前|头)`)
	fromBack  = regexp.MustCompile(`^(?:最后|末尾|末|最末|后面?的?(?:[二两三四五六七八九十几]|1?[02-9]))`)
)

// readItems reads what one of the patterns of places caught.
func readItems(s string) Items {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "再"), "往")
	if n := readNumbers(s); len(n) == 1 && n[0] == 0 {
		return Items{Numbers: n} // 前0条: there is no such place
	}
	switch {
	case s == "":
		return Items{}
	case strings.HasPrefix(s, "倒数"):
		return Items{FromEnd: largestOr(s, 1)}
	case oneStep.MatchString(s):
		return Items{Step: -1}
	case fromFront.MatchString(s):
		return Items{First: largestOr(s, few)}
	case fromBack.MatchString(s):
		if strings.Contains(s, "几") {
			return Items{Last: few}
		}
		return Items{Last: largestOr(s, 1)}
	case strings.HasPrefix(s, "下"), strings.HasPrefix(s, "后"):
		return Items{Step: 1}
	case strings.HasPrefix(s, "上"):
		return Items{Step: -1}
	}
	numbers := Items{Numbers: readNumbers(andLast.ReplaceAllString(s, ""))}
	if andLast.MatchString(s) {
		numbers.Last = 1
	}
	return numbers
}

// largestOr is the largest number in s, since 前三四条 means four at most; at least 1.
func largestOr(s string, otherwise int) int {
	if numbers := readNumbers(s); len(numbers) > 0 {
		otherwise = slices.Max(numbers)
	}
	return max(otherwise, 1)
}

// readNumbers reads 2和5 and 3到5, in the order said and each once.
func readNumbers(s string) []int {
	var numbers []int
	add := func(n int) {
		if len(numbers) < maxNumbers && !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
	}
	for s != "" {
		span := rangeIn.FindStringSubmatchIndex(s)
		one := numberIn.FindStringIndex(s)
		switch {
		case one == nil:
			return numbers
		case span != nil && span[0] == one[0]:
			for n, last := readNumber(s[span[2]:span[3]]), readNumber(s[span[4]:span[5]]); n <= last && len(numbers) < maxNumbers; n++ {
				add(n)
			}
			s = s[span[1]:]
		default:
			add(readNumber(s[one[0]:one[1]]))
			s = s[one[1]:]
		}
	}
	return numbers
}

// readNumber reads 12, 十二, 一〇 and 两; what is no number gives 0.
func readNumber(s string) int {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	if tens, ok := strings.CutSuffix(strings.ReplaceAll(s, "零", "〇"), "〇"); ok {
		return 10 * readNumber(tens)
	}
	n := 0
	for _, r := range s {
		switch {
		case r == '百':
			n = max(n, 1) * 100
		case r == '十':
			n = n/10*10 + max(n%10, 1)*10
		case r == '两':
			n += 2
		default:
			n += strings.IndexRune("零一二三四五六七八九", r) / len("零")
		}
	}
	return min(n, maxNumber)
}
