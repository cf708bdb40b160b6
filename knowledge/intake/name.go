package intake

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxNameRunes bounds our names: 60 Chinese characters are 180 bytes, and file systems
// take 255 with the endings.
const maxNameRunes = 60

// namePunctuation is what may stand in a name besides letters and digits.
const namePunctuation = " -_.,+=&()（）〔〕[]【】《》“”·、，—–"

// deviceNames cannot be file names on Windows, with any extension.
var deviceNames = map[string]bool{"con": true, "prn": true, "aux": true, "nul": true}

// SafeName makes our own name, without extension, for an uploaded file: the last part of
// what a browser sent, without folders, control characters, or dots in front. Chinese is
// kept. The error is a *Refused: a name of which nothing is left.
func SafeName(name string) (string, error) {
	base := norm.NFC.String(lastPart(name)) // macOS parts é into two characters
	if dot := strings.LastIndexByte(base, '.'); dot >= 0 {
		base = base[:dot]
	}
	var b strings.Builder
	for _, r := range base {
		switch {
		case r == utf8.RuneError, unicode.Is(unicode.C, r):
		case unicode.IsLetter(r), unicode.IsMark(r), unicode.IsNumber(r), strings.ContainsRune(namePunctuation, r):
			b.WriteRune(r)
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		default:
			b.WriteByte('-')
		}
	}
	base = strings.Trim(strings.Join(strings.Fields(b.String()), " "), " .")
	if r := []rune(base); len(r) > maxNameRunes {
		base = strings.TrimRight(string(r[:maxNameRunes]), " .")
	}
	if strings.IndexFunc(base, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }) < 0 {
		return "", &Refused{File: shownName(name), Err: ErrName, Message: "文件名里没有可用的字", Mend: "给文件起一个名字再上传，例如 “海关公告.docx”"}
	}
	stem, _, _ := strings.Cut(strings.ToLower(base), ".")
	port := strings.TrimRight(stem, "0123456789¹²³")
	if deviceNames[strings.TrimSpace(stem)] || (port == "com" || port == "lpt") && port != stem {
		base = "文件-" + base
	}
	return base, nil
}

// lastPart is the name without the folders some browsers send along, of either kind.
func lastPart(name string) string {
	return name[strings.LastIndexAny(name, `/\`)+1:]
}

// shownName is the uploaded name as it may be kept and shown: what cannot be printed is
// gone, and it is short.
func shownName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.Is(unicode.C, r) {
			return -1
		}
		return r
	}, lastPart(name))
	if r := []rune(name); len(r) > 2*maxNameRunes {
		name = string(r[:2*maxNameRunes])
	}
	if name = strings.TrimSpace(name); name == "" {
		return "未命名"
	}
	return name
}
