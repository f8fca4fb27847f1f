"""Earlier incidents of the same class, how sure that is, and why. The way in is `find_similar`.

- `query`: what is asked; `eligible_records`: which records may answer; `find_similar`: the answer
- `words_only`: where no encoder is; `by_facts`: where only facts of a record are known
- `casebook`, `several_libraries`: the same of public incidents, and of many libraries at once
- `encoder/`: text to vectors; `bm25`: words
- `indexed_records/`: what is indexed of a record; `index/`: how it lies on disk and is refreshed
- `ranking/`: in which order, and how sure
- `matches`, `match_reasons`, `aligned_passages`: a record as a match, why, and what to quote of it
- `answer`, `answer_json`: the whole
- `explain_score`, `write_proposals`, `render`: where it is shown
- `evaluation/`: how good it is, on any library
"""
