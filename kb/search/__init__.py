"""Earlier incidents of the same class, how sure that is, and why. The way in is `similar`.

- `query`: what is asked; `candidates`: which records may answer; `similar`: the answer;
  `casebook`: the same of public incidents; `words_only`: where no encoder is
- `encoder/`: text to vectors; `bm25`: words
- `records/`: what is indexed of a record; `index/`: how it lies on disk and is refreshed
- `ranking/`: in which order, and how sure
- `matches`, `reasons`, `aligned_passages`: a record as a match, why, and what to quote of it
- `answer`: the whole; `explain`, `proposals`, `render`: where it is shown
- `evaluation/`: how good it is, on any library
"""
