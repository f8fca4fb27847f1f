"""Earlier incidents of the same class, how sure that is, and why. The way in is `similar`.

- `query`: what is asked; `similar`: the answer; `casebook`: the same of public incidents;
  `related`: every record asked at once
- `encoding/`: what the vector of a text is
- `indexing/`: what the index holds, how it lies on disk, how it is refreshed
- `scoring/`: in which order, and how sure
- `answers/`: what is said of a match, for people, programs and drafts
- `evaluation/`: how good it is, on any library
"""
