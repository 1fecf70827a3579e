;; Emacs with eglot (29 and newer have it): in init.el.
(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs
               '((python-mode python-ts-mode)
                 . ("@aim-lsp@" "--" "basedpyright-langserver" "--stdio"))))
