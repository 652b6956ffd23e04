// Checks a published log with Go's own implementation of transparency logs: reads the checkpoint, rebuilds the
// root from tiles, proves leaves, and signs a note that our side opens.
package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Println("FAIL", err)
		os.Exit(1)
	}
	return value
}

func tilePath(root, level string, n int64, width int) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	if width < 256 {
		path += ".p/" + strconv.Itoa(width)
	}
	return filepath.Join(root, "tile", level, path)
}

// folder reads tiles of height 8.
type folder struct{ root string }

func (f folder) Height() int { return 8 }

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		bytes, err := os.ReadFile(tilePath(f.root, strconv.Itoa(tile.L), tile.N, tile.W))
		if err != nil {
			return nil, err
		}
		all = append(all, bytes)
	}
	return all, nil
}

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func main() {
	root, key := os.Args[1], os.Args[2]
	verifier := must(note.NewVerifier(key))
	opened := must(note.Open(must(os.ReadFile(filepath.Join(root, "checkpoint"))), note.VerifierList(verifier)))
	lines := strings.Split(opened.Text, "\n")
	size := must(strconv.ParseInt(lines[1], 10, 64))
	var hash tlog.Hash
	copy(hash[:], must(base64.StdEncoding.DecodeString(lines[2])))
	tree := tlog.Tree{N: size, Hash: hash}
	// Every hash that this reader gives is checked against the root.
	reader := tlog.TileHashReader(tree, folder{root})

	leaf := int64(0)
	for leaf < size {
		width := int(min(256, size-leaf))
		bundle := must(os.ReadFile(tilePath(root, "entries", leaf/256, width)))
		for range width {
			length := binary.BigEndian.Uint16(bundle)
			entry := bundle[2 : 2+length]
			bundle = bundle[2+length:]
			if size < 2000 || leaf%97 == 0 {
				proof := must(tlog.ProveRecord(size, leaf, reader))
				must(0, tlog.CheckRecord(proof, size, hash, leaf, tlog.RecordHash(entry)))
			}
			leaf++
		}
		if len(bundle) > 0 {
			fmt.Println("FAIL bytes after the last entry of a bundle")
			os.Exit(1)
		}
	}
	for _, old := range os.Args[3:] {
		older := must(strconv.ParseInt(old, 10, 64))
		proof := must(tlog.ProveTree(size, older, reader))
		for _, step := range proof {
			fmt.Println(base64.StdEncoding.EncodeToString(step[:]))
		}
		fmt.Println("OLD", older)
	}
	private := "PRIVATE+KEY+go.example+" // made below, so that our side opens what Go signs
	skey, vkey := must2(note.GenerateKey(rand.Reader, "go.example"))
	if !strings.HasPrefix(skey, private) {
		fmt.Println("FAIL key")
		os.Exit(1)
	}
	signed := must(note.Sign(&note.Note{Text: opened.Text}, must(note.NewSigner(skey))))
	fmt.Println("KEY", vkey)
	fmt.Println("NOTE", base64.StdEncoding.EncodeToString(signed))
	fmt.Println("OK", size)
}

func must2(a, b string, err error) (string, string) {
	must(0, err)
	return a, b
}
