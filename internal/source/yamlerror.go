package source

import (
	"errors"
	"regexp"

	"go.yaml.in/yaml/v4"
)

// ofLibrary is what errors of the YAML library say of the program rather than
// of the file.
var ofLibrary = regexp.MustCompile(`yaml: construct errors: |( not found) in type [\w.]+`)

// YAMLError returns an error of reading YAML as the author of the file needs
// it: with lines and keys, without the names of types. Other errors are
// returned as they are.
func YAMLError(err error) error {
	if _, ok := errors.AsType[*yaml.LoadErrors](err); !ok {
		return err
	}
	return errors.New(ofLibrary.ReplaceAllString(err.Error(), "$1"))
}
