package wasmbin

import "errors"

// IsUnsupported reports whether err says that a module is not supported.
func IsUnsupported(err error) bool { return errors.Is(err, errUnsupported) }
