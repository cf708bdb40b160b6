package knowledge_test

import (
	"fmt"
	"strings"
	"testing"

	"aeobot/knowledge"
)

// TestDiffIsInOrder: as it stands in the source, the tenth after the second, and what is gone
// where it stood.
func TestDiffIsInOrder(t *testing.T) {
	read := func(sign string, gone ...int) *knowledge.Library {
		t.Helper()
		var b strings.Builder
		b.WriteString("办法\n2026-11-01\n\n一、末节\n1、末节的第一条" + sign + "\n2、末节的第二条" + sign + "\n\n二、安排\n")
		for n := 1; n <= 12; n++ {
			if len(gone) > 0 && n > gone[0] {
				break
			}
			fmt.Fprintf(&b, "%d、第%d号通道%s\n", n, n, sign)
		}
		l, err := knowledge.LoadFiles(map[string][]byte{"a.txt": []byte(b.String())}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	var ids []string
	for _, c := range knowledge.Diff(read("开放"), read("关闭", 10)) {
		ids = append(ids, strings.TrimPrefix(c.ID, "a/"))
	}
	const want = "a 末节/1 末节/2 安排/1 安排/2 安排/3 安排/4 安排/5 安排/6 安排/7 安排/8 安排/9 安排/10 安排/11 安排/12"
	if got := strings.Join(ids, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
