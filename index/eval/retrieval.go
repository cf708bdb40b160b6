package eval

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Passage is one passage of a collection.
type Passage struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Collection is a file of passages, read where it lies: only where each line
// begins is kept in memory.
type Collection struct {
	file    *os.File
	name    string
	offsets []int64 // of each line, and the end
	// Fingerprint is the SHA-256 of the file, in hex.
	Fingerprint string
}

// OpenCollection reads through a file of passages, one JSON object a line.
func OpenCollection(name string) (c *Collection, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("eval: %w", err)
	}
	c = &Collection{file: f, name: name}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	hash := sha256.New()
	in := bufio.NewReaderSize(io.TeeReader(f, hash), 1<<20)
	at := int64(0)
	for {
		line, readErr := in.ReadSlice('\n')
		size := int64(len(line))
		blank := len(bytes.TrimSpace(line)) == 0
		for errors.Is(readErr, bufio.ErrBufferFull) {
			line, readErr = in.ReadSlice('\n')
			size += int64(len(line))
		}
		if readErr != nil && readErr != io.EOF {
			return nil, fmt.Errorf("eval: %s: %w", name, readErr)
		}
		if !blank {
			c.offsets = append(c.offsets, at)
		}
		at += size
		if readErr == io.EOF {
			break
		}
	}
	if len(c.offsets) == 0 {
		return nil, fmt.Errorf("eval: %s holds no passage", name)
	}
	c.offsets = append(c.offsets, at)
	c.Fingerprint = hex.EncodeToString(hash.Sum(nil))
	return c, nil
}

// Len is the number of passages.
func (c *Collection) Len() int { return len(c.offsets) - 1 }

// Passage reads the passage with that number.
func (c *Collection) Passage(i int) (Passage, error) {
	line := make([]byte, c.offsets[i+1]-c.offsets[i])
	if _, err := c.file.ReadAt(line, c.offsets[i]); err != nil && err != io.EOF {
		return Passage{}, fmt.Errorf("eval: %s: %w", c.name, err)
	}
	var p Passage
	if err := json.Unmarshal(line, &p); err != nil {
		return Passage{}, fmt.Errorf("eval: %s: passage %d: %w; one JSON object a line is expected", c.name, i+1, err)
	}
	return p, nil
}

// Close closes the file.
func (c *Collection) Close() error { return c.file.Close() }

// Query is one question over a collection.
type Query struct {
	ID       string   `json:"id"`
	Question string   `json:"question"`
	Relevant []string `json:"relevant"`
}

// ReadQueries reads JSON Lines of queries.
func ReadQueries(file string) ([]Query, error) {
	return readLines(file, func(q Query) error {
		if q.Question == "" || len(q.Relevant) == 0 {
			return errors.New("question or relevant is missing")
		}
		return nil
	})
}

// Retriever gives the ids of the passages found, best first.
type Retriever func(ctx context.Context, question string) ([]string, error)

// Retrieval is what plain retrieval over a collection measured.
type Retrieval struct {
	Passages int     `json:"passages"`
	Queries  int     `json:"queries"`
	Hit1     float64 `json:"hit@1"`
	Recall5  float64 `json:"recall@5"`
	Recall50 float64 `json:"recall@50"`
	MRR10    float64 `json:"mrr@10"`
	NDCG10   float64 `json:"ndcg@10"`
	P50MS    float64 `json:"p50_ms"`
	P99MS    float64 `json:"p99_ms"`
	// PerSecond is how many questions a second all cores answer together.
	PerSecond    float64 `json:"queries_per_second"`
	BuildSeconds float64 `json:"build_seconds"`
	// Reopened says that an index built earlier was used again.
	Reopened     bool    `json:"reopened"`
	PeakMemoryMB float64 `json:"peak_memory_mb"`
}

// Retrieve asks all queries one after the other, and again from all cores at once.
func Retrieve(ctx context.Context, queries []Query, retrieve Retriever) (Retrieval, error) {
	r := Retrieval{Queries: len(queries)}
	took := make([]time.Duration, 0, len(queries))
	for _, q := range queries {
		start := time.Now()
		ids, err := retrieve(ctx, q.Question)
		took = append(took, time.Since(start))
		if err != nil {
			return Retrieval{}, fmt.Errorf("eval: query %s: %w", q.ID, err)
		}
		r.add(ids, q.Relevant)
	}
	n := float64(len(queries))
	for _, figure := range []*float64{&r.Hit1, &r.Recall5, &r.Recall50, &r.MRR10, &r.NDCG10} {
		*figure = round(*figure / n)
	}
	slices.Sort(took)
	r.P50MS, r.P99MS = milliseconds(took[len(took)/2]), milliseconds(took[len(took)*99/100])
	var err error
	if r.PerSecond, err = throughput(ctx, queries, retrieve); err != nil {
		return Retrieval{}, err
	}
	r.PeakMemoryMB = peakMemoryMB()
	return r, nil
}

// add counts one ranking.
func (r *Retrieval) add(ids, relevant []string) {
	right := map[string]bool{}
	for _, id := range relevant {
		right[id] = true
	}
	first, gain, ideal := 0, 0.0, 0.0
	found5, found50 := 0, 0
	for i, id := range ids {
		if !right[id] {
			continue
		}
		if first == 0 {
			first = i + 1
		}
		if i < 5 {
			found5++
		}
		if i < 10 {
			gain += 1 / math.Log2(float64(i)+2)
		}
		if i < 50 {
			found50++
		}
	}
	for i := range min(len(right), 10) {
		ideal += 1 / math.Log2(float64(i)+2)
	}
	if first == 1 {
		r.Hit1++
	}
	if first > 0 && first <= 10 {
		r.MRR10 += 1 / float64(first)
	}
	r.Recall5 += float64(found5) / float64(min(len(right), 5))
	r.Recall50 += float64(found50) / float64(min(len(right), 50))
	r.NDCG10 += gain / ideal
}

func milliseconds(d time.Duration) float64 { return round(d.Seconds() * 1000) }

// throughput asks at most a few thousand of the queries from every core.
func throughput(ctx context.Context, queries []Query, retrieve Retriever) (float64, error) {
	queries = queries[:min(len(queries), 2000)]
	workers := runtime.GOMAXPROCS(0)
	failed := make(chan error, workers)
	start := time.Now()
	for w := range workers {
		go func() {
			for i := w; i < len(queries); i += workers {
				if _, err := retrieve(ctx, queries[i].Question); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	var err error
	for range workers {
		err = cmp.Or(err, <-failed)
	}
	return math.Round(float64(len(queries)) / time.Since(start).Seconds()), err
}

// peakMemoryMB is the largest resident size of the process so far, where the
// system tells (Linux), else what the program asked for.
func peakMemoryMB() float64 {
	if data, err := os.ReadFile("/proc/self/status"); err == nil {
		for line := range strings.Lines(string(data)) {
			var kb float64
			if _, err := fmt.Sscanf(line, "VmHWM: %f kB", &kb); err == nil {
				return math.Round(kb / 1024)
			}
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return math.Round(float64(m.Sys) / (1 << 20))
}

// WriteJSON writes the figures as JSON.
func (r Retrieval) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(r)
}

// Write writes the figures as Markdown.
func (r Retrieval) Write(w io.Writer) error {
	_, err := fmt.Fprintf(w, `| passages | queries | hit@1 | recall@5 | recall@50 | MRR@10 | nDCG@10 | p50 ms | p99 ms | queries/s | build s | peak MB |
|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
| %d | %d | %.3f | %.3f | %.3f | %.3f | %.3f | %.2f | %.2f | %.0f | %.1f | %.0f |
`, r.Passages, r.Queries, r.Hit1, r.Recall5, r.Recall50, r.MRR10, r.NDCG10, r.P50MS, r.P99MS, r.PerSecond, r.BuildSeconds, r.PeakMemoryMB)
	return err
}
