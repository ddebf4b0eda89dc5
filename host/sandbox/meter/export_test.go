package meter

// RewriteUnmerged charges every segment where it begins, which is plainly right and slower.
func RewriteUnmerged(wasm []byte) (*Module, error) { return rewrite(wasm, Options{}, false) }

// MaxUnpaid is [maxUnpaid].
const MaxUnpaid = maxUnpaid
