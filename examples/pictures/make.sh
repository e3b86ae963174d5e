#!/usr/bin/env bash
# Makes the pictures of the README from a freshly built workbook. Needs LibreOffice, poppler-utils and ImageMagick.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sheetprop build -o "$work/book.xlsx" >/dev/null
soffice "-env:UserInstallation=file://$work/profile" --headless --convert-to pdf --outdir "$work" "$work/book.xlsx" >/dev/null 2>&1
page() { # name, words that only this page has
  for number in $(seq 1 88); do
    if pdftotext -f "$number" -l "$number" -layout "$work/book.pdf" - | grep -c -- "$2" >/dev/null; then
      pdftoppm -r 110 -f "$number" -l "$number" -png -singlefile "$work/book.pdf" "$work/$1"
      # The footer is cut off, then the margins.
      convert "$work/$1.png" -gravity south -chop 0x72 -trim -bordercolor white -border 12 +repage \
        -strip -colors 128 "$here/$1.png"
      return
    fi
  done
  echo "no page with: $2" >&2
  exit 1
}
page start "Back-propagation, cell by cell"
page steps "Every equation of one iteration"
page diagram "The network at"
page rate "Learning rate η = 0.1"
page compare "Compare learning rates"
page check "Against the central difference"
